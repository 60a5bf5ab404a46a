// Values that JSON has, for properties of what reads frames: also those that are written in more than one way.

import * as fc from "fast-check"

/** Short ones, without objects. */
export const jsonValue = fc.oneof(
  fc.constantFrom("v=0\r\no=- 1\r\n", "a\tb/", "", "ü🙂", "\\", '"', "\u0000"),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(null, true, false),
  fc.array(fc.integer(), { maxLength: 3 }),
)
