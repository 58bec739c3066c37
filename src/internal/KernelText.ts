/**
 * What the kernel says of the whole machine, in text: https://man7.org/linux/man-pages/man5/proc.5.html
 *
 * Each answers nothing where the text does not say it.
 */

/** The number after a name at the beginning of a line, as in `/proc/meminfo` and in a control group's `memory.stat`. */
export const numberAfter = (name: string, text: string): number | undefined => {
  for (const line of text.split("\n")) {
    const [, digits] = line.startsWith(name) ? /^\s+(\d+)(?:\s|$)/.exec(line.slice(name.length)) ?? [] : []
    if (digits !== undefined) return Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined
  }
  return undefined
}

/** A value of `/proc/meminfo`, which is in KiB. */
export const memoryBytes = (name: "MemTotal" | "MemAvailable", meminfo: string): number | undefined => {
  const kib = numberAfter(`${name}:`, meminfo)
  return kib === undefined || !Number.isSafeInteger(kib * 1024) ? undefined : kib * 1024
}

/** The load of the last minute, from `/proc/loadavg`. */
export const loadAverage = (loadavg: string): number | undefined => {
  const [, digits] = /^(\d{1,15}(?:\.\d{1,15})?) /.exec(loadavg) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** How many descriptors the process may open now, from `/proc/PID/limits`. Without a limit, the largest whole number. */
export const openFilesMax = (limits: string): number | undefined => {
  const [, soft] = /^Max open files +(\d+|unlimited) /m.exec(limits) ?? []
  if (soft === undefined) return undefined
  return soft === "unlimited" ? Number.MAX_SAFE_INTEGER : Math.min(Number(soft), Number.MAX_SAFE_INTEGER)
}
