import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { connection, Ipv4Address, Ipv4Subnet, MacAddress, Nic } from "../../src/domain/Network.ts"
import { sshPort } from "../../src/domain/SshPort.ts"

const isMac = Schema.is(MacAddress)

describe("addresses", () => {
  it("are what they are called", () => {
    for (const mac of ["02:00:e6:f5:af:f9", "ca:fe:c0:00:01:02"]) assert.isTrue(isMac(mac), mac)
    for (
      const mac of [
        "",
        "01:00:5e:00:00:01",
        "ff:ff:ff:ff:ff:ff",
        "02:00:E6:f5:af:f9",
        "02-00-e6-f5-af-f9",
        "02:00:e6:f5:af"
      ]
    ) {
      assert.isFalse(isMac(mac), mac)
    }
    for (const address of ["0.0.0.0", "255.255.255.255", "10.0.0.1"]) {
      assert.isTrue(Schema.is(Ipv4Address)(address), address)
    }
    for (const address of ["", "256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "::1"]) {
      assert.isFalse(Schema.is(Ipv4Address)(address), address)
    }
    for (const subnet of ["10.0.0.0/0", "192.168.8.0/21", "1.2.3.4/32"]) {
      assert.isTrue(Schema.is(Ipv4Subnet)(subnet), subnet)
    }
    for (const subnet of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08"]) {
      assert.isFalse(Schema.is(Ipv4Subnet)(subnet), subnet)
    }
  })
})

describe("connection", () => {
  it.effect.prop(
    "gives every interface a unicast MAC address, the same each time",
    [Arbitrary.schema(InstanceId), Arbitrary.schema(Nic)],
    ([id, nic]) =>
      Effect.sync(() => {
        const first = connection(id, nic, 0)
        assert.isTrue(isMac(first.mac), first.mac)
        assert.deepStrictEqual(connection(id, nic, 0), first)
        if (nic.mac === undefined) assert.notStrictEqual(connection(id, nic, 1).mac, first.mac)
        else assert.strictEqual(first.mac, nic.mac)
      })
  )
})

describe("sshPort", () => {
  it("numbers the ports as the seed system does", () => {
    const port = (address: string | undefined, networkNode = false) => sshPort({ address, networkNode })
    assert.strictEqual(port("192.168.8.2"), 35_050)
    assert.strictEqual(port("172.16.0.2"), 33_002)
    assert.strictEqual(port("10.0.0.0"), 33_000)
    assert.strictEqual(port("10.0.127.22"), 65_534)
    assert.strictEqual(port("10.0.127.23"), 0)
    assert.strictEqual(port("10.0.255.255"), 0)
    assert.strictEqual(port("192.168.8.2", true), 0)
    assert.strictEqual(port(undefined), 0)
    assert.strictEqual(port(""), 0)
    assert.strictEqual(port("fe80::1"), 0)
  })
})
