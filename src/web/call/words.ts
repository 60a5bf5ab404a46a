// Every word a person reads or hears on the page, in English and German; the browser's languages decide.
// index.html names them in braces, `{chat}`; so do texts with a place for a value, `{name} is here`.

const WORDS = {
  again: ["Trying again…", "Neuer Versuch…"],
  alone: ["You are in the room, alone so far", "Sie sind im Raum, bisher allein"],
  alone_title: ["You are alone", "Sie sind allein"],
  another_name: ["Another room name", "Ein anderer Raumname"],
  back: ["The server is back", "Der Server ist wieder da"],
  both_denied: [
    "The browser does not allow camera and microphone. You can change that beside the address.",
    "Der Browser erlaubt weder Kamera noch Mikrofon. Das lässt sich neben der Adresse ändern.",
  ],
  both_off: ["Camera and microphone are off", "Kamera und Mikrofon sind aus"],
  call_title: ["Call in the room {room}", "Gespräch im Raum {room}"],
  camera: ["Camera", "Kamera"],
  camera_broken: ["The camera could not be started.", "Die Kamera ließ sich nicht starten."],
  camera_busy: ["The camera is in use by another program.", "Ein anderes Programm benutzt die Kamera."],
  camera_denied: [
    "The browser does not allow the camera. You can change that beside the address.",
    "Der Browser erlaubt die Kamera nicht. Das lässt sich neben der Adresse ändern.",
  ],
  camera_lost: ["The camera was disconnected.", "Die Kamera wurde getrennt."],
  camera_missing: ["No camera was found.", "Keine Kamera gefunden."],
  camera_off: ["Your camera is off", "Ihre Kamera ist aus"],
  camera_on_or_off: ["Camera on or off", "Kamera an oder aus"],
  camera_to_use: ["Camera to use", "Kamera, die benutzt wird"],
  cancel: ["Cancel", "Abbrechen"],
  chat: ["Chat", "Chat"],
  chat_empty: [
    "Messages go straight to those who are here now, and are gone when you leave.",
    "Nachrichten gehen direkt an alle, die jetzt hier sind, und sind weg, wenn Sie gehen.",
  ],
  chat_open_or_close: ["Open or close the chat", "Chat öffnen oder schließen"],
  close: ["Close", "Schließen"],
  close_chat: ["Close chat", "Chat schließen"],
  close_open: ["Close what is open", "Offenes schließen"],
  colours_auto: ["Colours: as the system", "Farben: wie das System"],
  colours_dark: ["Colours: dark", "Farben: dunkel"],
  colours_light: ["Colours: light", "Farben: hell"],
  connecting: ["Connecting…", "Verbindet…"],
  copied: ["Link copied", "Link kopiert"],
  copy_link: ["Copy link", "Link kopieren"],
  copy_not_allowed: [
    "Copying is not allowed here: take the link from the address bar",
    "Kopieren ist hier nicht erlaubt: Der Link steht in der Adresszeile",
  ],
  copy_room_link: ["Copy the link to this room", "Link zu diesem Raum kopieren"],
  description: ["Video calls from browser to browser.", "Videogespräche von Browser zu Browser."],
  door_open: ["The door is still open: ", "Die Tür ist noch offen: "],
  face_to_face: ["Talk face to face", "Von Angesicht zu Angesicht"],
  guest: ["Guest", "Gast"],
  insecure: [
    "Browsers give camera and microphone only to pages opened by https.",
    "Browser geben Kamera und Mikrofon nur Seiten, die über https kamen.",
  ],
  invite: ["Invite others", "Andere einladen"],
  invited: ["You are invited", "Sie sind eingeladen"],
  is_here: ["{name} is here", "{name} ist da"],
  join: ["Join", "Beitreten"],
  join_again: ["Join again", "Wieder beitreten"],
  leave: ["Leave", "Verlassen"],
  left: ["{name} left", "{name} ist gegangen"],
  message: ["Message", "Nachricht"],
  messages: ["Messages", "Nachrichten"],
  microphone: ["Microphone", "Mikrofon"],
  microphone_broken: ["The microphone could not be started.", "Das Mikrofon ließ sich nicht starten."],
  microphone_busy: ["The microphone is in use by another program.", "Ein anderes Programm benutzt das Mikrofon."],
  microphone_denied: [
    "The browser does not allow the microphone. You can change that beside the address.",
    "Der Browser erlaubt das Mikrofon nicht. Das lässt sich neben der Adresse ändern.",
  ],
  microphone_lost: ["The microphone was disconnected.", "Das Mikrofon wurde getrennt."],
  microphone_missing: ["No microphone was found.", "Kein Mikrofon gefunden."],
  microphone_off: ["microphone off", "Mikrofon aus"],
  microphone_on_or_off: ["Microphone on or off", "Mikrofon an oder aus"],
  microphone_to_use: ["Microphone to use", "Mikrofon, das benutzt wird"],
  name_why: ["So that others know who you are", "Damit andere wissen, wer Sie sind"],
  nobody: ["Nobody else is here yet", "Noch ist niemand sonst hier"],
  nobody_reads: ["Nobody else is here to read it yet", "Noch liest es hier niemand"],
  off: ["{what} off", "{what} aus"],
  on: ["{what} on", "{what} an"],
  open_room: ["Open the room", "Raum öffnen"],
  open_room_lead: [
    "Open a room, send its link, start talking. No account, nothing to install.",
    "Raum öffnen, Link schicken, reden. Kein Konto, nichts zu installieren.",
  ],
  other_camera: ["Other camera", "Andere Kamera"],
  own_room: ["or start a room of your own", "oder einen eigenen Raum öffnen"],
  people: ["{count} people", "{count} Personen"],
  people_in_room: ["People in the room", "Personen im Raum"],
  promise: [
    "Picture, sound and chat travel encrypted from browser to browser. The server only introduces you to each other.",
    "Bild, Ton und Chat gehen verschlüsselt von Browser zu Browser. Der Server macht Sie nur miteinander bekannt.",
  ],
  refused: ["The server refused: {why}.", "Der Server lehnt ab: {why}."],
  refused_rate_limited: [
    "Too many attempts. Wait a moment, then try again.",
    "Zu viele Versuche. Bitte kurz warten, dann noch einmal.",
  ],
  refused_room_full: ["This room is full.", "Dieser Raum ist voll."],
  refused_timeout: [
    "The server cannot be reached. Is the network there?",
    "Der Server ist nicht erreichbar. Ist das Netz da?",
  ],
  refused_unauthorized: [
    "This room asks for an invitation, and yours is not valid (any more).",
    "Dieser Raum verlangt eine Einladung, und Ihre gilt nicht (mehr).",
  ],
  refused_unavailable: [
    "The server is busy with itself. Try again in a moment.",
    "Der Server ist mit sich beschäftigt. Bitte gleich noch einmal.",
  ],
  room: ["Room", "Raum"],
  send: ["Send", "Senden"],
  send_link: [
    "Send this link to those you want to talk with:",
    "Schicken Sie diesen Link denen, mit denen Sie reden möchten:",
  ],
  browser_asks: ["The browser asks for your camera and microphone", "Der Browser fragt nach Kamera und Mikrofon"],
  server_away: [
    "The server is out of reach; the call goes on, new people cannot come in. Trying again…",
    "Der Server ist nicht erreichbar; das Gespräch geht weiter, neue kommen nicht herein. Neuer Versuch…",
  ],
  server_closed: ["The server closed the connection: {why}.", "Der Server hat die Verbindung geschlossen: {why}."],
  server_full: ["The server is full.", "Der Server ist voll."],
  server_refuses_page: [
    "The server answers, but takes no calls from a page at {origin}. Its operator can allow that (--origin).",
    "Der Server antwortet, nimmt aber keine Gespräche von {origin} an. Wer ihn betreibt, kann das erlauben (--origin).",
  ],
  server_restarts: [
    "The server restarts in {seconds} s; the call goes on.",
    "Der Server startet in {seconds} s neu; das Gespräch geht weiter.",
  ],
  server_restarting: ["The server is restarting.", "Der Server startet neu."],
  server_silent: ["The server does not answer.", "Der Server antwortet nicht."],
  share: ["Share…", "Teilen…"],
  shortcuts: ["Keyboard shortcuts", "Tastenkürzel"],
  show_list: ["Show this list", "Diese Liste zeigen"],
  tile_failed: ["Not reachable, trying again…", "Nicht erreichbar, neuer Versuch…"],
  tile_unstable: ["Weak connection…", "Schwache Verbindung…"],
  to_room: ["to the room ", "in den Raum "],
  unread: ["{count} unread", "{count} ungelesen"],
  waiting: [
    "The host is asked to let you in. Please wait…",
    "Wer den Raum führt, wird gefragt, ob Sie herein dürfen. Bitte warten…",
  ],
  way_no_relay: [
    "No direct way found, and the server names no relay (TURN).",
    "Kein direkter Weg, und der Server nennt keine Vermittlung (TURN).",
  ],
  way_refused: [
    "No direct way found, and the relay (TURN) refuses its password.",
    "Kein direkter Weg, und die Vermittlung (TURN) lehnt das Kennwort ab.",
  ],
  way_relay: [
    "Neither the direct way nor the one by the relay (TURN) reaches the other side.",
    "Weder direkt noch über die Vermittlung (TURN) ist die andere Seite erreichbar.",
  ],
  way_silent: [
    "No direct way found, and the relay (TURN) does not answer.",
    "Kein direkter Weg, und die Vermittlung (TURN) antwortet nicht.",
  ],
  with_others: ["You are in the room with {count} others", "Mit Ihnen sind {count} andere im Raum"],
  write: ["Write a message", "Nachricht schreiben"],
  wrong: ["Something went wrong on this page", "Auf dieser Seite ging etwas schief"],
  you: ["You", "Sie"],
  you_left: ["You left the call", "Sie haben das Gespräch verlassen"],
  your_camera: ["Your camera", "Ihre Kamera"],
  your_name: ["Your name", "Ihr Name"],
  yourself: ["{name} (you)", "{name} (Sie)"],
} as const satisfies Record<string, readonly [english: string, german: string]>

/** The name of a text. */
export type Word = keyof typeof WORDS

/** The first of the browser's languages that the page speaks; English when it speaks none. */
export const language = navigator.languages?.map((tag) => tag.slice(0, 2)).find((tag) => /^(en|de)$/.test(tag)) ?? "en"

/** The text of this name, with `values` in its braces. */
export function word(name: Word, values: Readonly<Record<string, string | number>> = {}): string {
  return WORDS[name][language === "de" ? 1 : 0].replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? ""))
}

/** Whether there is a text of this name: errors of the server become one. */
export function isWord(name: string): name is Word {
  return Object.hasOwn(WORDS, name)
}

/** Puts the texts in the places of their names, in what is written and in what is only said. */
export function fillIn(root: ParentNode): void {
  const put = (text: string) => text.replace(/\{(\w+)\}/g, (all, name: string) => (isWord(name) ? word(name) : all))
  for (const element of root.querySelectorAll("*:not(script, style)")) {
    if (element instanceof HTMLTemplateElement) fillIn(element.content)
    for (const attribute of element.attributes) {
      if (attribute.value.includes("{")) attribute.value = put(attribute.value)
    }
    for (const node of element.childNodes) {
      if (node instanceof Text && node.data.includes("{")) node.data = put(node.data)
    }
  }
}
