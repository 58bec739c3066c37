/**
 * The acts of a launcher: its system calls that change something outside of it, in a way that is the same in every run.
 */
import type { Injection, Line, Thread } from "./Strace.ts"

/** One act. */
export interface Act {
  readonly thread: Thread
  readonly call: string
  /** A path below the state directory; or what else is acted on. */
  readonly target: string
  readonly kind: "path" | "socket" | "dial" | "process" | "answer"
  /** Its number among the same thread's same calls on the same target. */
  readonly nth: number
}

/** Where calls were recorded. */
export interface Place {
  readonly stateDirectory: string
  /** The instance's control connection, as strace writes it, where there was one before. */
  readonly control: string | undefined
  /** Standard output, as strace writes it. */
  readonly output: string
}

type Subject = Pick<Act, "kind" | "target">

/** What an act is about; nothing for a call that is none. */
const subjectOf = (call: string, text: string, { control, output, stateDirectory }: Place): Subject | undefined => {
  if (call === "clone" || call === "clone3" || call === "vfork") return { kind: "process", target: "a new process" }
  if (call === "kill") return { kind: "process", target: "a process" }
  if (call === "connect") {
    return text.includes(`"${stateDirectory}/`) ? { kind: "dial", target: "the control socket" } : undefined
  }
  const descriptor = descriptorOf(text)
  if (descriptor !== undefined && descriptor === output) return { kind: "answer", target: "the answer" }
  if (descriptor?.startsWith("socket:") === true) {
    // The first words on a new connection are the only ones that are several.
    const isControl = control === undefined ? call === "writev" : descriptor === control
    return isControl ? { kind: "socket", target: "the control connection" } : undefined
  }
  const path = pathOf(text)
  return path?.startsWith(`${stateDirectory}/`) === true && !(call === "openat" && /O_RDONLY/.test(text))
    ? { kind: "path", target: path.slice(stateDirectory.length + 1) }
    : undefined
}

/** What the descriptor is of that a call begins with. */
const descriptorOf = (text: string) => /^\w+\(\d+<([^<>]*)>/.exec(text)?.[1]

/** The path that strace takes a call to be about: that of its first descriptor, or the first that it names. */
const pathOf = (text: string) => descriptorOf(text) ?? /"([^"]*)"/.exec(text)?.[1]

/** The acts among calls that were recorded. What failed changed nothing. */
export const ofLines = (lines: ReadonlyArray<Line>, place: Place): ReadonlyArray<Act> => {
  const counts = new Map<string, number>()
  const count = (key: string) => {
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    return nth
  }
  return lines.flatMap(({ text, thread }) => {
    const call = text.slice(0, text.indexOf("("))
    const any = count(`${thread} ${call}`)
    const path = pathOf(text)
    const own = path === undefined ? any : count(`${thread} ${call} ${path}`)
    const subject = subjectOf(call, text, place)
    // How often a socket is dialled until it is there depends on who is quicker.
    if (subject === undefined || (subject.kind === "dial" ? any > 1 : / = -1 E/.test(text))) return []
    const isSelected = subject.kind === "path" || subject.kind === "answer" ||
      (subject.kind === "socket" && place.control !== undefined)
    return [{ thread, call, ...subject, nth: isSelected ? own : any }]
  })
}

/** What is to be done at an act, in a run whose place is this one. */
export const inject = ({ call, kind, nth, target, thread }: Act, place: Place, act: Injection["act"]): Injection => ({
  thread,
  call,
  nth,
  act,
  path: kind === "path"
    ? `${place.stateDirectory}/${target}`
    : kind === "answer"
    ? place.output
    : kind === "socket"
    ? place.control
    : undefined
})

/** An act, in words. */
export const format = ({ call, nth, target }: Act): string => `${call} ${target}${nth > 1 ? ` (${nth})` : ""}`
