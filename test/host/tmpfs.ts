import { Effect } from "effect"
import { exec } from "./exec.ts"

/** Mounts a file system of its own on a directory, with these options of mount(8), until the scope closes. */
export const tmpfs = (directory: string, options: string) =>
  Effect.acquireRelease(
    exec("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory),
    // Lazily, so that also a test that failed in the middle takes it away.
    () => Effect.orDie(exec("umount", "--lazy", directory))
  )
