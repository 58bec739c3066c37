import { assert, describe, it } from "@effect/vitest"
import { contents } from "../../../src/backend/qemu/CloudInitSeed.ts"
import { InstanceId, InstanceName } from "../../../src/domain/InstanceId.ts"

const id = InstanceId.make("67e8")
const name = InstanceName.make("web-1")

describe("CloudInitSeed.contents", () => {
  it("is what NoCloud looks for, with meta data made from id and name", () => {
    assert.deepStrictEqual(contents({ cloudInit: { dataSource: "nocloud" }, id, name }), {
      label: "cidata",
      files: { "user-data": "", "meta-data": `instance-id: "67e8"\nlocal-hostname: "web-1"\n` }
    })
    assert.strictEqual(
      contents({ cloudInit: { dataSource: "nocloud" }, id }).files["meta-data"],
      `instance-id: "67e8"\n`
    )
  })

  it("is what ConfigDrive looks for, with meta data made from id and name", () => {
    assert.deepStrictEqual(contents({ cloudInit: { dataSource: "config-drive", userData: "" }, id, name }), {
      label: "config-2",
      files: {
        "openstack/latest/meta_data.json": `{"uuid":"67e8","hostname":"web-1"}`,
        "openstack/latest/user_data": ""
      }
    })
    assert.deepStrictEqual(
      contents({ cloudInit: { dataSource: "config-drive" }, id }).files,
      { "openstack/latest/meta_data.json": `{"uuid":"67e8"}` }
    )
  })

  it("is the user's own data where that is given", () => {
    const cloudInit = { userData: "#!/bin/sh", metaData: "{}" }
    assert.deepStrictEqual(contents({ cloudInit: { dataSource: "nocloud", ...cloudInit }, id, name }).files, {
      "user-data": "#!/bin/sh",
      "meta-data": "{}"
    })
    assert.deepStrictEqual(contents({ cloudInit: { dataSource: "config-drive", ...cloudInit }, id, name }).files, {
      "openstack/latest/user_data": "#!/bin/sh",
      "openstack/latest/meta_data.json": "{}"
    })
  })
})
