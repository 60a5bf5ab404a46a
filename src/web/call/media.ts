// The own camera and microphone. Either may be missing, forbidden or unplugged at any time, and the call goes on:
// every failure ends as "off" plus one sentence that says why.
import { Emitter } from "../../client/index.ts"
import { memory } from "../memory.ts"
import { type Word, word } from "./words.ts"

export type MediaKind = "microphone" | "camera"

interface MediaEvents {
  /** A track came, went or was switched. */
  change: undefined
  /** Something did not work; the text is for a person. */
  problem: string
}

// 720p is what a laptop camera does well; a phone may give less. 24 pictures a second spare its battery.
const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 24, max: 30 },
}
// 15 pictures a second: letters must be sharp, and scrolling may stutter.
const SCREEN: MediaTrackConstraints = { frameRate: { max: 15 } }
const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }

export class LocalMedia extends Emitter<MediaEvents> {
  #microphone: MediaStreamTrack | undefined
  #camera: MediaStreamTrack | undefined
  #screen: MediaStreamTrack | undefined
  #microphoneOn = false
  #facing: "user" | "environment" = "user"
  #asking = new Set<MediaKind>()
  readonly #problems = new Map<MediaKind, Word>()
  #audio: AudioContext | undefined
  #analyser: AnalyserNode | undefined
  #samples = new Float32Array(0)

  get microphone(): MediaStreamTrack | undefined {
    return this.#microphone
  }

  get camera(): MediaStreamTrack | undefined {
    return this.#camera
  }

  get screen(): MediaStreamTrack | undefined {
    return this.#screen
  }

  /** Why there is no picture or no sound; "" when all is well. */
  get problem(): string {
    const found = [...new Set(this.#problems.values())]
    const isBothDenied = found.includes("camera_denied") && found.includes("microphone_denied")
    return isBothDenied ? word("both_denied") : found.map((name) => word(name)).join(" ")
  }

  get mirrored(): boolean {
    return this.#facing === "user"
  }

  isOn(kind: MediaKind): boolean {
    return kind === "camera" ? this.#camera !== undefined : this.#microphoneOn && this.#microphone !== undefined
  }

  /** While the browser asks the person. */
  isAsking(kind: MediaKind): boolean {
    return this.#asking.has(kind)
  }

  /** As it was left the last time. Asks for both at once, so that there is one question; else for each alone. */
  async start(): Promise<void> {
    const wanted = { camera: memory.get("camera") !== "off", microphone: memory.get("microphone") !== "off" }
    if (wanted.camera && wanted.microphone) {
      this.#ask(["camera", "microphone"])
      const constraints = {
        video: { ...VIDEO, ...lastDevice("camera") },
        audio: { ...AUDIO, ...lastDevice("microphone") },
      }
      const stream = await request(constraints).catch(() => undefined)
      this.#asking.clear()
      if (stream !== undefined) {
        this.#problems.clear()
        this.#takeCamera(stream.getVideoTracks()[0])
        this.#takeMicrophone(stream.getAudioTracks()[0])
        return this.emit("change", undefined)
      }
    }
    if (wanted.microphone) await this.turn("microphone", true)
    if (wanted.camera) await this.turn("camera", true)
  }

  /** Switches on or off. The camera is really released (its light goes out); the microphone stays open, silenced. */
  async turn(kind: MediaKind, on: boolean, device?: string): Promise<void> {
    if (this.#asking.has(kind)) return
    memory.set(kind, on ? "on" : "off")
    if (device !== undefined) memory.set(`${kind}.device`, device)
    if (!on) {
      this.#problems.delete(kind)
      if (kind === "camera") this.#takeCamera(undefined)
      else this.#silence(true)
      return this.emit("change", undefined)
    }
    if (kind === "microphone" && this.#microphone !== undefined && device === undefined) {
      this.#silence(false)
      return this.emit("change", undefined)
    }
    await this.#open(kind, device)
  }

  /** To the camera at the other side of the phone. */
  async flip(): Promise<void> {
    this.#facing = this.#facing === "user" ? "environment" : "user"
    this.#takeCamera(undefined)
    memory.set("camera.device", "")
    await this.#open("camera")
  }

  /** Asks which screen or window to share, or ends it. Whoever changes their mind at the question shares nothing. */
  async shareScreen(on: boolean): Promise<void> {
    const asked = on ? navigator.mediaDevices.getDisplayMedia({ video: SCREEN }).catch(() => undefined) : undefined
    const track = (await asked)?.getVideoTracks()[0]
    this.#screen?.stop()
    this.#screen = track
    if (track !== undefined) {
      track.contentHint = "detail"
      // The browser has a button of its own for it.
      track.addEventListener("ended", () => track === this.#screen && this.shareScreen(false))
    }
    this.emit("change", undefined)
  }

  /** How loud the own voice is, 0 to 1. */
  level(): number {
    if (this.#analyser === undefined || !this.isOn("microphone")) return 0
    this.#analyser.getFloatTimeDomainData(this.#samples)
    let sum = 0
    for (const sample of this.#samples) sum += sample * sample
    return Math.sqrt(sum / this.#samples.length)
  }

  async #open(kind: MediaKind, device?: string): Promise<void> {
    this.#ask([kind])
    const ask = (chosen: MediaTrackConstraints) =>
      request(
        kind === "camera"
          ? { video: { ...VIDEO, facingMode: this.#facing, ...chosen } }
          : { audio: { ...AUDIO, ...chosen } },
      )
    try {
      const stream =
        device === undefined
          ? await ask(lastDevice(kind)).catch((error) => {
              // Unplugged since; any other will do.
              if (!(error instanceof OverconstrainedError)) throw error
              return ask({})
            })
          : await ask({ deviceId: { exact: device } })
      this.#problems.delete(kind)
      if (kind === "camera") this.#takeCamera(stream.getVideoTracks()[0])
      else this.#takeMicrophone(stream.getAudioTracks()[0])
    } catch (error) {
      const problem = explain(error, kind)
      this.#problems.set(kind, problem)
      this.emit("problem", word(problem))
    } finally {
      this.#asking.delete(kind)
      this.emit("change", undefined)
    }
  }

  #ask(kinds: MediaKind[]): void {
    for (const kind of kinds) this.#asking.add(kind)
    this.emit("change", undefined)
  }

  #silence(silent: boolean): void {
    this.#microphoneOn = !silent
    if (this.#microphone !== undefined) this.#microphone.enabled = !silent
  }

  #takeCamera(track: MediaStreamTrack | undefined): void {
    this.#camera?.stop()
    this.#camera = track
    track?.addEventListener("ended", () => track === this.#camera && this.#lost("camera"))
  }

  #takeMicrophone(track: MediaStreamTrack | undefined): void {
    this.#microphone?.stop()
    this.#microphone = track
    this.#silence(track === undefined)
    track?.addEventListener("ended", () => track === this.#microphone && this.#lost("microphone"))
    this.#listen(track)
  }

  #lost(kind: MediaKind): void {
    if (kind === "camera") this.#takeCamera(undefined)
    else this.#takeMicrophone(undefined)
    this.#problems.set(kind, `${kind}_lost`)
    this.emit("problem", word(`${kind}_lost`))
    this.emit("change", undefined)
  }

  #listen(track: MediaStreamTrack | undefined): void {
    void this.#audio?.close()
    this.#audio = undefined
    this.#analyser = undefined
    if (track === undefined || typeof AudioContext === "undefined") return
    const context = new AudioContext()
    this.#audio = context
    this.#analyser = context.createAnalyser()
    // 512 samples: 11 ms of sound, enough to tell a voice from silence.
    this.#analyser.fftSize = 512
    this.#samples = new Float32Array(this.#analyser.fftSize)
    context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser)
    // Before the first click a browser may keep it suspended; the click on "join" lets it run.
    addEventListener("pointerup", () => void context.resume().catch(() => undefined), { once: true })
  }
}

/** The devices there are; empty when the browser tells none, as it does before it was allowed to. */
export async function listDevices(): Promise<MediaDeviceInfo[]> {
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? []
  return devices.filter(({ deviceId, label }) => deviceId !== "" && label !== "")
}

/** The one chosen the last time. Exact: Chromium takes an ideal microphone for no wish at all. */
function lastDevice(kind: MediaKind): MediaTrackConstraints {
  const device = memory.get(`${kind}.device`)
  return device === "" ? {} : { deviceId: { exact: device } }
}

function request(constraints: MediaStreamConstraints): Promise<MediaStream> {
  // Undefined on pages that came neither by https nor from this very machine.
  if (navigator.mediaDevices === undefined) return Promise.reject(new DOMException("", "InsecureOrigin"))
  return navigator.mediaDevices.getUserMedia(constraints)
}

function explain(error: unknown, kind: MediaKind): Word {
  switch (error instanceof DOMException ? error.name : "") {
    case "InsecureOrigin":
      return "insecure"
    case "NotAllowedError":
      return `${kind}_denied`
    case "NotFoundError":
    case "OverconstrainedError":
      return `${kind}_missing`
    case "NotReadableError":
    case "AbortError":
      return `${kind}_busy`
    default:
      return `${kind}_broken`
  }
}
