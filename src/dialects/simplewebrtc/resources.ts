// What a member sends: its status, as the others find it in the answer to their join.

import type { StatusText } from "../../rooms/room-store.ts"

/** Whoever is in a room sends video, as the original says of all; a screen may come and go. */
export function resourcesOf(isSharing: boolean): StatusText {
  return isSharing ? '{"screen":true,"video":true,"audio":false}' : '{"screen":false,"video":true,"audio":false}'
}

/** Whether these are the resources of a member that shares its screen. */
export function isSharing(resources: StatusText): boolean {
  return resources === resourcesOf(true)
}
