// A React hook for a call: who is in the room, and what to say there. Leaving the page, or for another room, leaves.
//
//   function Call({ camera }: { camera: MediaStream }) {
//     const { peers, error } = useRoom("wss://call.example.org/", "tea", { name: "Ada" }, camera)
//     return <>{peers.map((peer) => <Video key={peer.id} stream={peer.stream} />)}{error}</>
//   }
//
// In a project of your own the imports are "palava-machine-client" and "palava-machine-client/mesh".
import { useCallback, useEffect, useRef, useState } from "react"
import { type ConnectionState, SignalingClient, type Status } from "../src/client/index.ts"
import { type Mesh, type MeshPeer, mesh } from "../src/client/mesh/index.ts"

export interface Room {
  peers: readonly MeshPeer[]
  state: ConnectionState["name"]
  /** Why the room was not entered; empty when all is well. */
  error: string
  /** To everybody, over their data channels. */
  say: (text: string) => void
}

/** `status` is read when the room is entered. A stream that comes later, or another one, is sent from then on. */
export function useRoom(url: string, room: string, status: Status, stream?: MediaStream): Room {
  const [call, setCall] = useState<Mesh>()
  const [peers, setPeers] = useState<readonly MeshPeer[]>([])
  const [state, setState] = useState<ConnectionState["name"]>("connecting")
  const [error, setError] = useState("")
  const ownStatus = useRef(status)

  useEffect(() => {
    const client = new SignalingClient(url)
    const entered = mesh(client)
    const showPeers = () => setPeers([...entered.peers.values()])
    for (const name of ["peer_came", "peer_left", "peer_changed"] as const) entered.on(name, showPeers)
    const unlisten = client.on("state", ({ name }) => setState(name))
    let isLeft = false
    client.join(room, ownStatus.current).catch((reason: Error) => isLeft || setError(reason.message))
    setCall(entered)
    setError("")
    return () => {
      isLeft = true
      unlisten()
      entered.close()
      client.close()
      setPeers([])
    }
  }, [url, room])

  useEffect(() => {
    call?.setTrack("audio", stream?.getAudioTracks()[0])
    call?.setTrack("video", stream?.getVideoTracks()[0])
  }, [call, stream])

  return { peers, state, error, say: useCallback((text: string) => call?.send(text), [call]) }
}

/** A stream on the screen. */
export function Video({ stream }: { stream: MediaStream }) {
  const show = useCallback(
    (video: HTMLVideoElement | null) => {
      if (video !== null) video.srcObject = stream
    },
    [stream],
  )
  // biome-ignore lint/a11y/useMediaCaption: nobody writes down what is said in a call
  return <video ref={show} autoPlay playsInline />
}
