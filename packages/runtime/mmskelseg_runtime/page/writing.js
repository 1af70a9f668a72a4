// Segments as files.

const cell = (value) => (/[",\n\r]/.test(value) ? `"${`${value}`.replaceAll('"', '""')}"` : `${value}`)
const written = (rows) => rows.map((row) => row.map(cell).join(',') + '\r\n').join('')

/** Rows of all tiers, in the order of their starts. */
function rowsOf({ fps }, segments, tiers) {
  const rows = segments.flatMap((list, tier) => list.map(([start, end, label, score]) => {
    const { name, classes } = tiers[tier]
    return { tier: name, label: classes[label].name, frames: [start, end], times: [start / fps, end / fps], score }
  }))
  return rows.sort((a, b) => a.frames[0] - b.frames[0])
}

/** The table that `mmskelseg segment` writes. */
export function csv(recording, segments, tiers) {
  const tiered = tiers.length > 1 || tiers[0].name
  const head = ['video', ...(tiered ? ['tier'] : []), 'start', 'end', 'label', 'score']
  const rows = rowsOf(recording, segments, tiers).map(({ tier, label, times, score }) => [
    recording.name, ...(tiered ? [tier] : []), ...times.map((time) => time.toFixed(6)), label, score.toFixed(6),
  ])
  return written([head, ...rows])
}

/** Aggregated events of BORIS, in its columns; classes that two tiers have are named after both. */
export function boris(recording, segments, tiers, columns) {
  const { name, fps, frames } = recording
  const names = tiers.flatMap(({ classes }) => classes.map((one) => one.name))
  const rows = rowsOf(recording, segments, tiers)
  const long = (frames / fps).toFixed(3)
  const total = rows.reduce((sum, { times }) => sum + times[1] - times[0], 0)
  const events = rows.map(({ tier, label, frames, times, score }) => {
    const isPlain = names.filter((one) => one === label).length === 1 && !label.includes(': ')
    const [start, stop] = times.map((time) => time.toFixed(3))
    const values = {
      'Observation id': name,
      'Observation date': new Date().toISOString().slice(0, 19).replace('T', ' '),
      Description: tier && 'Categories are tiers.',
      'Observation type': 'Media file',
      Source: `player #1:${name}`,
      'Time offset (s)': '0.0',
      'Coding duration': long,
      'Media duration (s)': long,
      'FPS (frame/s)': fps.toFixed(3),
      Subject: 'No focal subject',
      'Observation duration by subject by observation': total.toFixed(3),
      Behavior: isPlain || !tier ? label : `${tier}: ${label}`,
      'Behavioral category': tier || 'Not defined',
      'Behavior type': 'STATE',
      'Start (s)': start,
      'Stop (s)': stop,
      'Duration (s)': (stop - start).toFixed(3),
      'Media file name': name,
      'Image index start': frames[0],
      'Image index stop': frames[1],
      'Image file path start': 'NA',
      'Image file path stop': 'NA',
      'Comment start': `confidence ${score.toFixed(3)}`,
    }
    return columns.map((column) => values[column] ?? '')
  })
  return written([columns, ...events])
}

/** Saves a text as a file. */
export function save(text, name) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
