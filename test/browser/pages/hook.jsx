// A call with examples/use-room.tsx: joins by the query (?socket), goes from room to room, and gets its camera late.
import { StrictMode, useEffect, useState } from "react"
import { createRoot } from "react-dom/client"
import { useRoom, Video } from "../../../examples/use-room.tsx"

const socket = new URLSearchParams(location.search).get("socket")

function Call({ name }) {
  const [room, setRoom] = useState("first")
  const [camera, setCamera] = useState()
  const { peers, state, error, say } = useRoom(socket, room, { name }, camera)
  useEffect(() => {
    navigator.mediaDevices.getUserMedia({ video: true }).then(setCamera)
  }, [])
  return (
    <section aria-label={name}>
      <output>{`${state} ${error}`}</output>
      {peers.map((peer) => (
        <figure key={peer.id} aria-label={peer.status.name}>
          <Video stream={peer.stream} />
        </figure>
      ))}
      <button type="button" onClick={() => setRoom("second")}>
        Go
      </button>
      <button type="button" onClick={() => setRoom("x".repeat(51))}>
        Fail
      </button>
      <button type="button" onClick={() => say("hello")}>
        Say
      </button>
    </section>
  )
}

createRoot(document.querySelector("#app")).render(
  <StrictMode>
    <Call name="Ada" />
    <Call name="Ben" />
  </StrictMode>,
)
