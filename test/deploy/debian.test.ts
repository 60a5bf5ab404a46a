// The Debian package: what lintian says of it, and its life on a machine with systemd: installed, started, upgraded,
// killed, hung, with certificates that only root can read, removed and purged.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Certificate, makeCertificate } from "../helpers/certificate.ts"
import { poll } from "../helpers/redis.ts"
import { canStartMachine, type Machine, startMachine } from "./machine.ts"

const ROOT = join(import.meta.dir, "../..")
const DEB = join(ROOT, "dist/deb")
const UNIT = "palava-machine.service"

/** Makes a package of the executable that is already compiled: its path. */
async function makeDeb(version: string, compression: string): Promise<string> {
  const env = {
    ...process.env,
    ...{ VERSION: version, COMPRESSION: compression, EXECUTABLE: join(ROOT, "dist/palava-machine") },
  }
  const child = Bun.spawn([process.execPath, "scripts/release/deb.ts"], {
    cwd: ROOT,
    env,
    stdout: "pipe",
    stderr: "pipe",
  })
  const [code, output, errors] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  if (code !== 0) throw new Error(output + errors)
  return join(ROOT, /^dist\/deb\/\S+/m.exec(output)?.[0] ?? "")
}

let old: string
let next: string
/** Its exit code and what it says. It takes its time with a file of 111 MB, so the other tests do not wait for it. */
let lintian: Promise<[code: number, output: string]>
beforeAll(async () => {
  rmSync(DEB, { recursive: true, force: true })
  // Debian's own compression at its quickest: it is what lintian expects.
  old = await makeDeb("2.0.0", "-Zxz -z0")
  const child = Bun.spawn(["lintian", "--allow-root", "--fail-on", "error,warning", old], {
    stdout: "pipe",
    stderr: "pipe",
  })
  lintian = Promise.all([child.exited, new Response(child.stdout).text()])
  next = await makeDeb("2.0.1", "-Znone")
}, 180_000)
afterAll(() => rmSync(DEB, { recursive: true, force: true }))

test("the same sources give the same bytes", async () => {
  const before = Bun.hash(readFileSync(next))
  expect(Bun.hash(readFileSync(await makeDeb("2.0.1", "-Znone")))).toBe(before)
})

describe.skipIf(!canStartMachine())("on a machine with systemd (needs root)", () => {
  let machine: Machine
  beforeAll(async () => {
    machine = await startMachine()
    await machine.must("cat > /old.deb", readFileSync(old))
    await machine.must("cat > /next.deb", readFileSync(next))
  }, 90_000)
  afterAll(async () => await machine[Symbol.asyncDispose]())

  const get = (path: string): Promise<string> => machine.must(`curl --silent --show-error --max-time 5 ${path}`)
  const property = async (name: string): Promise<string> =>
    (await machine.must(`systemctl show --value --property ${name} ${UNIT}`)).trim()

  test("installed, it runs: as nobody in particular, and ready when systemd says so", async () => {
    await machine.must("dpkg --install /old.deb")
    expect(await property("ActiveState")).toBe("active")
    expect(await get("http://127.0.0.1:4233/readyz")).toBe("ready\n")
    expect(await get("http://127.0.0.1:4234/metrics")).toContain('palava_build_info{version="2.0.0"')
    expect(await machine.must("ps -o user= -C palava-machine")).not.toContain("root")
    expect(await machine.must("palava-machine --version")).toBe("2.0.0\n")
    expect(await machine.must(`systemctl is-enabled ${UNIT}`)).toBe("enabled\n")
    expect(await property("LimitNOFILE")).toBe("1048576")
  })

  test("the manual is there, and complete", async () => {
    const page = await machine.must("man --warnings palava-machine | col --no-backspaces")
    for (const word of ["SYNOPSIS", "--redis-cluster URL", "PALAVA_ROOM_SIZE", "EXIT STATUS"])
      expect(page).toContain(word)
  })

  test("configured by its file, which only root reads", async () => {
    await machine.must("sed -i 's|^#room_size = .*|room_size = 7|' /etc/palava-machine/palava-machine.toml")
    await machine.must("echo 'turn_secret = \"hidden\"' >> /etc/palava-machine/palava-machine.toml")
    expect((await machine.must("stat -c '%a %U' /etc/palava-machine/palava-machine.toml")).trim()).toBe("640 root")
    await machine.must(`systemctl restart ${UNIT}`)
    const shown = await machine.must("palava-machine check-config --config /etc/palava-machine/palava-machine.toml")
    expect(shown).toContain("room_size = 7 ")
    expect(await machine.must(`journalctl --no-pager -u ${UNIT}`)).not.toContain("hidden")
  })

  test("with a mistake in it, that is told once; mended, it starts", async () => {
    await machine.must("echo 'prot = 1' >> /etc/palava-machine/palava-machine.toml")
    expect((await machine.run(`systemctl restart ${UNIT}`)).code).not.toBe(0)
    expect([await property("ActiveState"), await property("NRestarts")]).toEqual(["failed", "0"])
    const errors = await machine.must(`journalctl --no-pager --output cat --priority err --unit ${UNIT}`)
    expect(errors.match(/unknown key "prot": did you mean port\?/g)).toHaveLength(1)
    await machine.must(`sed -i /^prot/d /etc/palava-machine/palava-machine.toml && systemctl restart ${UNIT}`)
    expect(await property("ActiveState")).toBe("active")
  })

  test("reloaded, it reads certificates again, by a group that may read them, and goes on as it was", async () => {
    const [folder, dropIn] = ["/etc/palava-machine/tls", `/run/systemd/system/${UNIT}.d`]
    const renew = async ({ cert, key }: Certificate): Promise<void> => {
      await machine.must("mkdir -p /renewed && cat > /renewed/fullchain.pem", Buffer.from(cert))
      await machine.must("cat > /renewed/privkey.pem", Buffer.from(key))
      await machine.must(`install -m 640 -g ssl-cert -t ${folder} /renewed/fullchain.pem /renewed/privkey.pem`)
    }
    await machine.must(`groupadd --force --system ssl-cert && mkdir -p ${folder} ${dropIn}`)
    await renew(makeCertificate())
    await machine.must(`printf '[Service]\nSupplementaryGroups=ssl-cert\n' > ${dropIn}/tls.conf`)
    const lines = ["cert:fullchain", "key:privkey"].map((pair) => pair.split(":"))
    for (const [option, name] of lines)
      await machine.must(`echo 'tls_${option} = "${folder}/${name}.pem"' >> /etc/palava-machine/palava-machine.toml`)
    await machine.must(`systemctl daemon-reload && systemctl restart ${UNIT}`)
    const pid = await property("MainPID")
    await renew(makeCertificate({ toDays: 9 }))
    await machine.must(`systemctl reload ${UNIT}`)
    const log = () => machine.must(`journalctl --no-pager -u ${UNIT}`)
    await poll(async () => /files read again/.test(await log()))
    expect(await log()).toMatch(/a renewed certificate is in use .*fullchain\.pem/)
    expect(await log()).toMatch(/a certificate expires soon .*days=[89]/)
    expect(await property("MainPID")).toBe(pid)
    await machine.must(`sed -i /^tls_/d /etc/palava-machine/palava-machine.toml && rm -r ${dropIn} ${folder}`)
    await machine.must(`systemctl daemon-reload && systemctl restart ${UNIT}`)
  })

  test("restarted, a call that is being set up goes on: same ids, no message lost, nobody seen to leave", async () => {
    const built = await Bun.build({ entrypoints: [join(import.meta.dir, "restarted-call.ts")], target: "bun" })
    await machine.must("cat > /call.js", Buffer.from((await built.outputs[0]?.text()) ?? ""))
    // The executable is Bun as well.
    const call = machine.must("BUN_BE_BUN=1 timeout 60 palava-machine run /call.js | tee /call.log")
    await poll(async () => (await machine.run("grep joined /call.log")).code === 0)
    await machine.must(`systemctl restart ${UNIT}`)
    expect((await call).split("\n")[1]).toBe(
      JSON.stringify({ closes: [1001, 1001, 1001], complete: [true, true, true], lost: [], leaves: [] }),
    )
    expect(await machine.must(`journalctl --no-pager -u ${UNIT}`)).toContain("holds the members of the process before")
    // The socket for --replace; the state was read.
    expect(await machine.must("ls /run/private/palava-machine")).toBe("state.sock\n")
  })

  test("upgraded, it is restarted, enabled, and configured as before", async () => {
    const pid = await property("MainPID")
    await machine.must("dpkg --install /next.deb")
    expect(await property("ActiveState")).toBe("active")
    expect(await property("MainPID")).not.toBe(pid)
    expect(await machine.must("dpkg --status palava-machine")).toContain("\nVersion: 2.0.1\n")
    expect(await machine.must("grep room_size /etc/palava-machine/palava-machine.toml")).toContain("room_size = 7")
    expect(await get("http://127.0.0.1:4233/readyz")).toBe("ready\n")
  })

  test("killed, it is back; and what it says on the way down is no failure", async () => {
    const pid = await property("MainPID")
    await machine.must(`systemctl kill --kill-whom main --signal KILL ${UNIT}`)
    await poll(async () => (await property("ActiveState")) === "active" && (await property("MainPID")) !== pid)
    await machine.must(`systemctl restart ${UNIT}`)
    expect([await property("Result"), await property("NRestarts")]).toEqual(["success", "0"])
    // Kept over a restart, for what the next start reads.
    expect(await machine.must("ls -d /run/private/palava-machine /var/lib/private/palava-machine")).toContain("/run/")
  })

  test("hung, it is found out by the watchdog", async () => {
    await machine.must(`mkdir -p /run/systemd/system/${UNIT}.d`)
    await machine.must(`printf '[Service]\\nWatchdogSec=1\\n' > /run/systemd/system/${UNIT}.d/watchdog.conf`)
    await machine.must(`systemctl daemon-reload && systemctl restart ${UNIT}`)
    const pid = await property("MainPID")
    // Alive for longer than the watchdog's time, it is left alone.
    await machine.must("sleep 1.5")
    expect(await property("MainPID")).toBe(pid)
    await machine.must(`kill -STOP ${pid}`)
    await poll(async () => (await property("MainPID")) !== pid)
    expect(await machine.must(`journalctl --no-pager -u ${UNIT}`)).toContain("Watchdog timeout")
    await machine.must(`rm -r /run/systemd/system/${UNIT}.d && systemctl daemon-reload`)
  })

  test("removed, it is gone but for its configuration; purged, all of it is", async () => {
    await machine.must("dpkg --remove palava-machine")
    expect(await machine.run("pidof palava-machine")).toEqual({ code: 1, output: "" })
    expect((await machine.run("test -e /etc/palava-machine/palava-machine.toml")).code).toBe(0)
    await machine.must("dpkg --purge palava-machine")
    const left = "find /etc /usr /lib/systemd /var/lib -name '*palava-machine*' -not -path '/var/lib/dpkg/*'"
    expect(await machine.run(`${left} -not -path '*/deb-systemd-helper-*'`)).toEqual({ code: 0, output: "" })
  })
})

describe.skipIf(!canStartMachine())("README's ten lines, on an empty machine (needs root)", () => {
  test("end with a server that the doctor finds nothing wrong with", async () => {
    await using machine = await startMachine()
    const [, lines = ""] =
      /<!-- ten lines -->\n```sh\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? []
    expect(lines.trimEnd().split("\n")).toHaveLength(10)
    // A public address and name, which this machine has for itself (RFC 5737).
    // Not on loopback, where coturn would not listen.
    await machine.must(
      "ip link add public type veth && ip address add 203.0.113.7/32 dev public && ip link set public up",
    )
    await machine.must("echo 203.0.113.7 call.example.org >> /etc/hosts")
    await machine.must("cat > /palava-machine_2.0.0.deb", readFileSync(old))
    // What comes from the network is here already: coturn is installed, certbot's files are made by the test. Root alone
    // can read them, as on any machine.
    const { cert, key } = makeCertificate({ name: "call.example.org", toDays: 90 })
    await machine.must("mkdir -p /stubs && cat > /stubs/cert.pem", Buffer.from(cert))
    await machine.must("cat > /stubs/key.pem", Buffer.from(key))
    const live = "/etc/letsencrypt/live/call.example.org"
    const certbot = `umask 077; mkdir -p ${live}; cp /stubs/cert.pem ${live}/fullchain.pem; cp /stubs/key.pem ${live}/privkey.pem`
    for (const [name, script] of [
      ["apt-get", "dpkg --install /palava-machine_*.deb"],
      ["certbot", certbot],
    ] as const) {
      await machine.must(`cat > /stubs/${name} && chmod +x /stubs/${name}`, Buffer.from(`#!/bin/sh\n${script}\n`))
    }
    // The test's certificate is no authority's that Bun knows, as certbot's would be.
    const { code, output } = await machine.run(
      `export PATH=/stubs:$PATH NODE_EXTRA_CA_CERTS=/stubs/cert.pem\n${lines}`.replaceAll("\n\n", "\n"),
    )
    const told = output.slice(output.indexOf("ok   configuration")).trimEnd().split("\n")
    expect([code, told.filter((line) => line.startsWith("BAD"))]).toEqual([0, []])
    for (const line of [
      /^ok {3}port 443: the server runs and is healthy/,
      /^ok {3}\/run\/credentials\/\S+: is for call\.example\.org/,
      /^ok {3}stun:call\.example\.org:3478: sees this machine as 203\.0\.113\.7:/,
      /^ok {3}turn:call\.example\.org:3478: relays at 203\.0\.113\.7:/,
      /^ok {3}call over wss:\/\/call\.example\.org\/: set up in/,
    ]) {
      expect(told.filter((each) => line.test(each))).toHaveLength(1)
    }

    // And on to tokens and limits, as docs/security.md goes on.
    const page = readFileSync(join(ROOT, "docs/security.md"), "utf8")
    const [secrets, limits, token] = ["secrets", "limits", "a token"].map((name) => {
      const [, block = ""] = new RegExp(`<!-- ${name} -->\n\`\`\`sh\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
      return block
    })
    const trust = "export NODE_EXTRA_CA_CERTS=/stubs/cert.pem"
    const safe = await machine.must(`${trust}\nset -e\n${secrets}${limits}`)
    for (const line of [
      "room_size = 20",
      'auth_secret = "***"',
      'admin_token_file = "/etc/palava-machine/admin-token"',
    ])
      expect(safe).toContain(line)
    expect(safe).toMatch(/^ok {3}call over wss:\/\/call\.example\.org\/: set up in/m)
    expect(safe.match(/^BAD.*|.*warning.*/gm)).toBeNull()
    const asked = await machine.must(`cd /etc/palava-machine; export CREDENTIALS_DIRECTORY=$PWD\n${token}`)
    expect(asked).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n[\s\S]*2\.0\.0/)
    // Who brings no token is told so, by the server as by its administration.
    const stranger = await machine.run(
      `${trust}; palava-machine doctor --origin https://call.example.org --url wss://call.example.org/`,
    )
    expect(stranger).toMatchObject({ code: 1, output: expect.stringMatching(/^BAD +call over .*authorized/m) })
    expect((await machine.run("palava-machine nodes")).output).toContain("token")
  })
})

describe("the unit", () => {
  const analyze = (...args: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(["systemd-analyze", ...args], {
      cwd: join(ROOT, "deploy/systemd"),
    })
    return { code: exitCode, output: stdout.toString() + stderr.toString() }
  }

  test("is exposed by 2.0 at most", () => {
    const { code, output } = analyze("security", "--offline=true", "--threshold=20", UNIT)
    expect([code, output]).toEqual([0, expect.stringContaining("OK")])
  })

  test("reloads by SIGHUP, and nothing in its environment steers Bun", () => {
    const unit = readFileSync(join(ROOT, "deploy/systemd", UNIT), "utf8")
    expect(unit).toContain("\nExecReload=/bin/kill -HUP $MAINPID\n")
    const unset = [...unit.matchAll(/^UnsetEnvironment=(.*)$/gm)].flatMap(([, names = ""]) => names.split(" "))
    expect(unset).toEqual(
      expect.arrayContaining(["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT", "BUN_INSPECT_CONNECT_TO"]),
    )
  })

  test("is valid, with its drop-in for TLS too", () => {
    const folder = mkdtempSync(join(tmpdir(), "palava-unit-"))
    try {
      const unit = readFileSync(join(ROOT, "deploy/systemd", UNIT), "utf8")
      const dropIn = readFileSync(join(ROOT, "deploy/systemd/tls.conf"), "utf8")
      const [, service = ""] = /\[Service\]\n([\s\S]*)/.exec(dropIn) ?? []
      // An executable and a manual that are there; the drop-in where it would be merged.
      const here = unit
        .replace("/usr/bin/palava-machine", join(ROOT, "dist/palava-machine"))
        .replace(/^Documentation=.*\n/m, "")
        .replace("[Install]", `${service}\n[Install]`)
      Bun.spawnSync(["tee", join(folder, UNIT)], { stdin: Buffer.from(here), stdout: "ignore" })
      expect(analyze("verify", "--man=no", join(folder, UNIT))).toEqual({ code: 0, output: "" })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test("lintian has nothing to say but what overrides give a reason for", async () => {
  expect(await lintian).toEqual([0, ""])
})
