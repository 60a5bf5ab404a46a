// Runs in a page: watches the videos that match `selector` now, and keeps for each the longest time between two pictures.
// `standstill(selector)` tells what was seen so far. See ../standstill.ts.
globalThis.watches ??= new Map()

globalThis.watchPictures = (selector) => {
  const seen = new Map()
  for (const video of document.querySelectorAll(selector)) {
    const one = { last: performance.now(), longest: 0, pictures: 0 }
    const onPicture = () => {
      const now = performance.now()
      one.longest = Math.max(one.longest, now - one.last)
      one.last = now
      one.pictures++
      video.requestVideoFrameCallback(onPicture)
    }
    video.requestVideoFrameCallback(onPicture)
    seen.set(video, one)
  }
  watches.set(selector, seen)
}

globalThis.standstill = (selector) => {
  const all = [...watches.get(selector)]
  const now = performance.now()
  return {
    longestMs: Math.max(0, ...all.map(([, { last, longest }]) => Math.max(longest, now - last))),
    pictures: all.reduce((sum, [, { pictures }]) => sum + pictures, 0),
    videos: all.length,
    gone: all.filter(([video]) => !video.isConnected).length,
  }
}
