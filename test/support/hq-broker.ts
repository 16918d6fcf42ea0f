import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { answers, freePort } from './mosquitto.js'
import { until } from './until.js'

const DEPLOYED = 'deploy/hq'

/** HQ's broker as deploy/hq sets it up, a real mosquitto: its access rules, its two doors. */
export interface HqBroker {
  readonly folder: string
  /** For whoever has a password. */
  readonly port: number
  /** For whoever has a certificate of the stores' authority. */
  readonly storesPort: number
  /** PEM file and text of who signed the broker's own. */
  readonly caFile: string
  readonly ca: string
  readonly authority: string
  passwordFile(user: string): string
  password(user: string): string
  /** Reads passwords, access rules and the list of revoked certificates anew. */
  reload(): void
}

export async function startHqBroker(t: Test, stores: readonly string[] = []): Promise<HqBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'tillbridge-hq-'))
  execFileSync(resolve(DEPLOYED, 'secrets.sh'), ['localhost', ...stores], { cwd: folder })
  const secrets = join(folder, 'secrets')
  const [port, storesPort] = [await freePort(), await freePort()]
  const config = readFileSync(join(DEPLOYED, 'mosquitto.conf'), 'utf8')
    .replace('listener 8883', `listener ${port} 127.0.0.1`)
    .replace('listener 8884', `listener ${storesPort} 127.0.0.1`)
    .replaceAll('/mosquitto/secrets', join(secrets, 'broker'))
    .replaceAll('/mosquitto/stores', join(secrets, 'stores-authority/public'))
    .replace('/mosquitto/config/acl', resolve(DEPLOYED, 'acl'))
    .replace('persistence true', 'persistence false\nuser root')
    .replace(/^persistence_location.*$/m, '')
  writeFileSync(join(folder, 'mosquitto.conf'), config)
  const child = spawn('/usr/sbin/mosquitto', ['-c', join(folder, 'mosquitto.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  await until('mosquitto listens', () => {
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${said}`)
    return answers(storesPort)
  })
  const passwordFile = (user: string): string => {
    const isOwn = ['hq', 'listener', 'enrol'].includes(user)
    return join(secrets, isOwn ? `${user}.password` : `stores/${user}.password`)
  }
  const caFile = join(secrets, 'broker/ca.pem')
  return {
    folder,
    port,
    storesPort,
    caFile,
    ca: readFileSync(caFile, 'utf8'),
    authority: join(secrets, 'stores-authority'),
    passwordFile,
    password: user => readFileSync(passwordFile(user), 'utf8').trim(),
    reload: () => void child.kill('SIGHUP'),
  }
}
