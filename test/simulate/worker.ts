/** One thread's share of the runs. */
import { parentPort, workerData } from "node:worker_threads"
import { type Done, runSeed, type Work } from "./Runs.ts"

const { choices, isTraced, seeds }: Work = workerData

const done = (): Done => {
  const trace: Array<string> = []
  const onLine = isTraced ? (line: string) => trace.push(line) : undefined
  return { outcomes: seeds.map((seed) => runSeed(choices, seed, onLine)), trace }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(done())
