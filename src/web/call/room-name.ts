// Room names: making ones that can be read aloud and not guessed, and finding them in the link.

const FIRST =
  "amber ample bold brave breezy bright calm cedar clear clever copper coral cosy crisp dapper dusky eager early fabled fair fern fleet fond frosty gentle glad golden grand happy hazel honest ivory jolly keen kind lively lucky lunar mellow merry mild misty mossy noble olive opal pearly plucky proud quick quiet rosy ruby sage sandy silver snowy spry sunny swift tidy velvet warm"
const SECOND =
  "alder badger beacon beaver birch bison brook canyon cedar clover comet condor cove crane curlew delta dune eagle ember falcon finch fjord fox geyser glade grove harbor heron ibis island jay kestrel lagoon lark lemur linnet lotus lynx maple marten meadow merlin moose orchid oriole otter owl panda pebble pine plover puffin raven reef river robin seal sparrow summit swift tern thicket valley willow wren"
// No vowels, so no words; nothing that looks like another letter.
const LETTERS = "bcdfghjkmnpqrstvwxz23456789"

/** 50 characters: the server's limit on a room id, see docs/protocol.md. */
const MAX_ROOM_NAME = 50

/** Like "amber-otter-k7rwt": 4,000 pairs of words and 14 million endings, so that nobody drops in by guessing. */
export function randomRoomName(): string {
  const ending = Array.from({ length: 5 }, () => pick([...LETTERS])).join("")
  return `${pick(FIRST.split(" "))}-${pick(SECOND.split(" "))}-${ending}`
}

/** The room of a link, or "" when it names none. */
export function roomInLink(hash: string): string {
  try {
    return cleanRoomName(decodeURIComponent(hash.replace(/^#/, "")))
  } catch {
    // A stray % is not an encoded character; take the text as it stands.
    return cleanRoomName(hash.replace(/^#/, ""))
  }
}

export function linkTo(room: string): string {
  const link = new URL(location.href)
  // That of the person, and of nobody else.
  link.searchParams.delete("access_token")
  link.hash = encodeURIComponent(room)
  return link.href
}

/** Trims, and cuts to the server's limit without splitting a character. */
export function cleanRoomName(text: string): string {
  return [...text.trim()].slice(0, MAX_ROOM_NAME).join("")
}

function pick(choices: string[]): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1))
  return choices[random % choices.length] ?? ""
}
