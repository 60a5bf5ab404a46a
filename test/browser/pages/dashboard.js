// Draws the panels of the dashboard: `panels` as test/deploy/dashboard-page.ts makes them, null where a line has no value.
// biome-ignore lint/correctness/noUnusedVariables: the page calls it
function drawPanels(panels) {
  /** Pixels of a unit of the grid, between panels, and of what a chart shares its panel with: title, legend. */
  const [COLUMN, ROW, GAP, AROUND] = [58, 30, 8, 84]
  const COLOURS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#cf222e", "#9a6700", "#57606a", "#bf3989"]
  const scaled = (value, units, step) => {
    let at = 0
    while (Math.abs(value) >= step && at < units.length - 1) [value, at] = [value / step, at + 1]
    return `${Number(value.toPrecision(3))}${units[at]}`
  }
  const show = (value, unit) => {
    if (unit === "percentunit") return `${Number((value * 100).toPrecision(3))}%`
    if (unit === "s" && Math.abs(value) < 1) return `${Number((value * 1000).toPrecision(3))} ms`
    if (unit === "s" || unit === "ms") return scaled(value, unit === "s" ? [" s"] : [" ms", " s"], 1000)
    if (unit === "bytes") return scaled(value, [" B", " KiB", " MiB", " GiB"], 1024)
    if (unit === "Bps") return scaled(value, [" B/s", " kB/s", " MB/s"], 1000)
    return `${scaled(value, ["", "k", "M"], 1000)}${unit === "ops" ? "/s" : ""}`
  }
  for (const { title, type, x, y, w, h, unit, times, lines } of panels) {
    const section = document.createElement("section")
    section.className = type
    const box = { left: x * COLUMN + 12, top: y * ROW + 12, width: w * COLUMN - GAP, height: h * ROW - GAP }
    for (const [side, length] of Object.entries(box)) section.style.setProperty(side, `${length}px`)
    const heading = document.createElement("h2")
    heading.textContent = title
    section.append(heading)
    document.body.append(section)
    if (type === "stat") {
      const value = document.createElement("div")
      value.className = "value"
      const latest = lines[0]?.values.findLast((each) => each !== null) ?? 0
      value.textContent = lines[0]?.name ? `${lines[0].name}: ${show(latest, unit)}` : show(latest, unit)
      section.append(value)
    }
    if (type !== "timeseries") continue
    new uPlot(
      {
        width: box.width - 22,
        height: box.height - AROUND,
        scales: {
          y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] },
        },
        axes: [{}, { size: 64, values: (_, all) => all.map((value) => show(value, unit)) }],
        series: [
          {},
          ...lines.map(({ name }, at) => ({
            label: name,
            stroke: COLOURS[at % COLOURS.length],
            width: 1.5,
            points: { show: false },
          })),
        ],
        legend: { live: false },
      },
      [times, ...lines.map(({ values }) => values)],
      section,
    )
  }
  document.body.style.height = `${Math.max(...panels.map(({ y, h }) => y + h)) * ROW + 12}px`
}
