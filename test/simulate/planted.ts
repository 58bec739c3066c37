import type { Edit } from "./PlantedBugs.ts"

/** A source with a bug in it. Dies when it does not have exactly one place for that. */
export const planted = (text: string, { file, find, replace }: Edit): string => {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places like this, not one: ${find}`)
  return parts.join(replace)
}
