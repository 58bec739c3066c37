/**
 * What a container is made with, and how its ends are told, on a real engine.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Duration, Effect, FileSystem, Layer, Schema, Stream } from "effect"
import * as ContainerIdentity from "../../../src/backend/docker/ContainerIdentity.ts"
import * as DockerVirtualizer from "../../../src/backend/docker/DockerVirtualizer.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { type Volume, VolumeId } from "../../../src/domain/Volume.ts"
import * as Network from "../../../src/domain/Network.ts"
import * as StartPayload from "../../../src/payload/StartPayload.ts"
import * as Containers from "../../../src/docker/Containers.ts"
import { EngineClient } from "../../../src/docker/EngineClient.ts"
import * as Networks from "../../../src/docker/Networks.ts"
import { type BootConfig, type Guest, Virtualizers } from "../../../src/Virtualizer.ts"
import * as DockerEngine from "../../host/docker/DockerEngine.ts"
import * as EngineAccess from "../../host/docker/EngineAccess.ts"
import * as TestImages from "../../host/docker/TestImages.ts"
import { exec } from "../../host/exec.ts"

class Engine extends Context.Service<Engine, DockerEngine.DockerEngine>()("vivarium/Engine") {}

const engine = Layer.effect(Engine, Effect.tap(DockerEngine.make(), TestImages.load))

/** A virtualizer with a state directory of its own, and what its engine says of an instance's container. */
const rig = Effect.fnUntraced(function*(
  config: { readonly allowPrivileged?: boolean; readonly volumesDirectory?: string } = {}
) {
  const fs = yield* FileSystem.FileSystem
  const { socket } = yield* Engine
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "dc-" })
  const client = yield* Layer.build(EngineAccess.client(socket))
  const built = yield* Layer.build(
    Layer.provide(DockerVirtualizer.layer({ stateDirectory, ...config }), Layer.succeedContext(client))
  )
  const docker = Context.get(built, Virtualizers).get("docker")!
  const call = Context.get(client, EngineClient)
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      const labels = [ContainerIdentity.ownership(stateDirectory)]
      for (const { Id } of yield* call.execute(Containers.list({ all: true, labels }))) {
        yield* call.execute(Containers.remove(Id, { force: true }))
      }
    }).pipe(Effect.ignore)
  )
  return {
    docker,
    engine: call,
    stateDirectory,
    made: Effect.fnUntraced(function*(spec: InstanceSpec, volumes: ReadonlyArray<Volume> = []) {
      const boot: BootConfig = {
        volumes,
        networks: spec.nics.map((nic, index) => Network.connection(spec.id, nic, index))
      }
      const guest = yield* docker.make(spec, `${stateDirectory}/instances/${spec.id}`)
      yield* Stream.runDrain(guest.ensureBackingImage)
      yield* guest.createImage(boot)
      return { guest, boot, name: ContainerIdentity.nameOf(stateDirectory, spec.id) }
    })
  }
})

const spec = (boot: object, more: object = {}) =>
  Effect.orDie(
    Schema.decodeUnknownEffect(InstanceSpec)({
      id: "c0",
      virtualizer: "docker",
      memory: "64 MiB",
      boot: { kind: "container", image: TestImages.reference("obedient"), ...boot },
      ...more
    })
  )

/** All that a container says, until it ends. */
const saidBy = ({ console }: Guest) => Stream.mkString(Stream.decodeText(console.log({ follow: true })))

const shell = (script: string) => ({ command: ["/bin/sh", "-c", script] })

layer(Layer.provideMerge(engine, NodeServices.layer), { excludeTestServices: true })("a container", (it) => {
  it.effect("is given what its spec asks for: name, command, environment, limits, network, address, ports, DNS", () =>
    Effect.gen(function*() {
      const { docker: _, engine, made } = yield* rig()
      yield* engine.execute(Networks.createBridge("tenant", { subnet: "10.77.1.0/24", gateway: "10.77.1.1" }))
      yield* Effect.addFinalizer(() => Effect.ignore(engine.execute(Networks.remove("tenant"))))
      yield* Effect.gen(function*() {
        const { boot, guest, name } = yield* made(
          yield* spec({
            ...shell("hostname; echo $GREETING; ip -o -4 addr show eth0; ip -o link show eth0; cat /etc/resolv.conf"),
            hostname: "web-1",
            environment: { GREETING: "hello = world" }
          }, {
            vcpus: 3,
            nics: [{
              kind: "user",
              network: "tenant",
              address: "10.77.1.42",
              gateway: "10.77.1.1",
              mac: "52:54:00:12:34:56",
              publish: [{ protocol: "tcp", hostPort: 18080, guestPort: 80 }]
            }]
          })
        )
        yield* guest.start(boot)
        const said = yield* saidBy(guest)
        assert.include(said, "web-1\nhello = world\n")
        assert.include(said, "10.77.1.42/24")
        assert.include(said, "52:54:00:12:34:56")
        const container = yield* engine.execute(
          {
            ...Containers.inspect(name),
            returns: Schema.Struct({
              HostConfig: Schema.Struct({
                Memory: Schema.Int,
                CpuQuota: Schema.Int,
                CpuPeriod: Schema.Int,
                Dns: Schema.Array(Schema.String),
                PortBindings: Schema.Unknown
              })
            })
          }
        )
        assert.deepStrictEqual(container.HostConfig, {
          Memory: 64 * 1024 * 1024,
          CpuQuota: 300_000,
          CpuPeriod: 100_000,
          Dns: ["10.77.1.1"],
          PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18080" }] }
        })
        yield* guest.deleteImage
      }).pipe(Effect.scoped)
    }))

  it.effect("writes into its volumes, and nowhere else that is the host's", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { shared } = yield* Engine
      const { made, stateDirectory } = yield* rig({ volumesDirectory: `${shared}/own` })
      const path = `${stateDirectory}/volumes/d1.raw`
      yield* fs.makeDirectory(`${stateDirectory}/volumes`)
      yield* exec("mke2fs", "-q", "-F", "-t", "ext2", path, "1M")
      // A link would lead what the host mounts there next to where it should not be.
      const script = "cd /volumes; ln -s /etc d2; mkdir d3; rmdir d1; mv d1 d4; echo kept >d1/file; cat d1/file; ls"
      const { boot, guest } = yield* made(yield* spec(shell(`(${script}) 2>/dev/null`)), [
        { id: VolumeId.make("d1"), source: { _tag: "File", path, format: "raw" }, readOnly: false }
      ])
      yield* guest.start(boot)
      const said = yield* saidBy(guest)
      assert.strictEqual(said, "kept\nd1\n")
      yield* guest.deleteImage
      yield* fs.remove(`${shared}/own`, { recursive: true })
    }).pipe(Effect.scoped))

  it.effect("has run, however short, and ends with its program's code, for lack of memory, or by a signal, and says which", () =>
    Effect.gen(function*() {
      const { made } = yield* rig()
      const endOf = Effect.fnUntraced(function*(script: string, id: string) {
        const { boot, guest } = yield* made({ ...yield* spec(shell(script)), id: (yield* spec({}, { id })).id })
        yield* guest.start(boot)
        const ended = yield* Effect.scoped(Effect.gen(function*() {
          const { connected, ended } = yield* guest.monitor
          yield* connected
          return yield* ended
        }))
        const probe = yield* guest.probe
        assert.deepStrictEqual([probe], [{
          _tag: "Created",
          lastExit: ended._tag === "Exited" ? ended.status : undefined
        }])
        return probe
      })
      assert.deepStrictEqual(yield* endOf("exit 7", "c7"), {
        _tag: "Created",
        lastExit: { _tag: "Exited", code: 7 }
      })
      assert.deepStrictEqual(yield* endOf("x=$(head -c 200m /dev/zero | tr '\\0' x); exit 7", "c8"), {
        _tag: "Created",
        lastExit: { _tag: "OutOfMemory" }
      })
      assert.deepStrictEqual(yield* endOf("exit 137", "c9"), {
        _tag: "Created",
        lastExit: { _tag: "Killed", signal: "SIGKILL" }
      })
    }))

  it.effect("is asked to stop by its image's own signal", () =>
    Effect.gen(function*() {
      const { made } = yield* rig()
      const { boot, guest } = yield* made(yield* spec({ image: TestImages.reference("peculiar") }))
      yield* guest.start(boot)
      yield* Effect.scoped(Effect.gen(function*() {
        const monitor = yield* guest.monitor
        const log = Stream.decodeText(guest.console.log({ follow: true }))
        yield* Stream.runDrain(Stream.takeUntil(log, (text) => text.includes(TestImages.ready)))
        yield* monitor.stop(Duration.minutes(1))
        assert.deepStrictEqual(yield* monitor.ended, { _tag: "Exited", status: { _tag: "Exited", code: 0 } })
      }))
      assert.include(yield* Stream.mkString(Stream.decodeText(guest.console.log({ follow: false }))), TestImages.asked)
    }))

  it.effect("of a START payload has its host name and its first command", () =>
    Effect.gen(function*() {
      const { made } = yield* rig()
      const { spec } = yield* StartPayload.decode(`start:
  instance_uuid: 67d86208-b46c-4465-9018-fe14087d415f
  vm_type: docker
  docker_image: ${TestImages.reference("obedient")}
  requirements: { mem_mb: 64, vcpus: 1 }
---
#cloud-config
runcmd:
  - [ sh, -c, "echo I am $(hostname)" ]
---
{ "uuid": "67d86208-b46c-4465-9018-fe14087d415f", "hostname": "tenant-host" }
`)
      const { boot, guest } = yield* made({ ...spec, nics: [] })
      yield* guest.start(boot)
      assert.strictEqual(
        yield* saidBy(guest),
        "I am tenant-host\n"
      )
    }))

  it.effect("is privileged only where the node's configuration allows it", () =>
    Effect.gen(function*() {
      const asked = yield* spec(
        shell("ls /dev/loop-control; [ $$ = 1 ] || echo beside others; grep ^Seccomp: /proc/self/status"),
        { privileged: true }
      )
      const refused = yield* rig()
      const error = yield* Effect.flip(refused.docker.make(asked, "/tmp/none"))
      assert.strictEqual(error.reason._tag, "NotSupported")
      assert.include(error.message, "allowPrivileged")
      for (const network of ["host", "container:other", "ns:/proc/1/ns/net"]) {
        const neighbour = yield* spec({}, { nics: [{ kind: "user", network }] })
        const { message } = yield* Effect.flip(refused.docker.make(neighbour, "/tmp/none"))
        assert.include(message, `${JSON.stringify(network)}, which is no network`)
      }
      const { made } = yield* rig({ allowPrivileged: true })
      const { boot, guest } = yield* made(asked)
      yield* guest.start(boot)
      assert.strictEqual(
        yield* saidBy(guest),
        "/dev/loop-control\nbeside others\nSeccomp:\t0\n"
      )
    }))

  it.effect("made from another spec is not taken for this one", () =>
    Effect.gen(function*() {
      const { docker: _, made } = yield* rig()
      yield* made(yield* spec({}))
      const error = yield* Effect.flip(made(yield* spec(shell("echo other"))))
      assert.strictEqual(error.reason._tag, "HostFailure")
      assert.include(error.message, "another spec")
    }))
})
