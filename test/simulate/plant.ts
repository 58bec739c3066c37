/**
 * Plants a bug: `VIVARIUM_PLANTED_BUG=NAME node --import ./test/simulate/plant.ts PROGRAM`. The sources stay as they are; what
 * is changed is their text as Node loads it.
 */
import { registerHooks } from "node:module"
import { plantedBugs } from "./PlantedBugs.ts"
import { planted } from "./planted.ts"

const name = process.env["VIVARIUM_PLANTED_BUG"]
const bug = plantedBugs.find((one) => one.name === name)
if (bug === undefined) {
  throw new Error(`there is no bug ${name}: it is one of ${plantedBugs.map(({ name }) => name).join(", ")}`)
}

const src = new URL("../../src/", import.meta.url).href

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    const edits = bug.edits.filter(({ file }) => `${src}${file}` === url)
    if (edits.length === 0) return loaded
    const text = String(loaded.source)
    return { ...loaded, source: edits.reduce(planted, text) }
  }
})
