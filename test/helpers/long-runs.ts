// Whether tests that can go on for longer shall: `make fuzz` and `make attacks` ask for it (FUZZ=long), `make test` does not.

/** Minutes instead of seconds, thousands instead of hundreds. */
export const IS_LONG = process.env["FUZZ"] === "long"
