// What a page tells those who live in it: that it goes, that it is back, that the network is. Elsewhere (Bun, Node,
// workers) nothing of it happens. Apart because it is all that the client wants of a document.

/** Told of a page's life. */
export interface PageListener {
  /** The tab is closed or left; the page may come back from the browser's cache. */
  onHide(): void
  /** Network or person came back: whatever was waited for may work now. */
  onWake(): void
}

interface EventSource {
  addEventListener?(name: string, listener: () => void): void
  removeEventListener?(name: string, listener: () => void): void
  visibilityState?: string
}

/** Listens until the returned function is called. */
export function followPage({ onHide, onWake }: PageListener): () => void {
  const page = globalThis as EventSource & { document?: EventSource }
  const { document } = page
  if (document === undefined) return () => undefined
  const onVisible = () => document.visibilityState === "visible" && onWake()
  const listeners = [
    [page, "pagehide", onHide],
    [page, "pageshow", onWake],
    [page, "online", onWake],
    [document, "visibilitychange", onVisible],
  ] as const
  for (const [source, name, listener] of listeners) source.addEventListener?.(name, listener)
  return () => {
    for (const [source, name, listener] of listeners) source.removeEventListener?.(name, listener)
  }
}
