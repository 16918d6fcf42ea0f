import type { ShopConfig } from '../../config/schema.js'
import { messageOf, systemCodeOf } from '../../core/errors.js'
import type { Check, Finding, Machine } from './check.js'
import { type TcpAddress, tryConnect, tryListen } from './tcp-port.js'

interface Place {
  readonly name: string
  readonly address: TcpAddress
  /** Where the address stands in the configuration. */
  readonly key: string
}

/** Terminals and printers on the network answer; what is listened on is free. */
export const checkNetwork: Check = async machine => {
  const { config } = machine
  if (config === undefined) return []
  const called = await Promise.all(calledBy(config).map(place => checkAnswer(machine, place)))
  const heard = await Promise.all(heardBy(config).map(checkFree))
  return [...called, ...heard]
}

function calledBy({ terminals, buses }: ShopConfig): readonly Place[] {
  return [...terminals, ...buses].flatMap(({ id, line }): readonly Place[] => {
    if (line.type === 'tcp') return [{ name: `line of ${id}`, address: line, key: 'line.tcp' }]
    if (line.type !== 'printer') return []
    return [{ name: `printer of ${id}`, address: line.forward, key: 'line.printer.forward' }]
  })
}

function heardBy({ terminals, broker, metrics }: ShopConfig): readonly Place[] {
  const lines = terminals.flatMap(({ id, line }): readonly Place[] => {
    const name = `port for ${id}`
    if (line.type === 'listen') return [{ name, address: line, key: 'line.listen' }]
    if (line.type !== 'printer') return []
    return [{ name, address: line.listen, key: 'line.printer.listen' }]
  })
  const { listen, websocket, tls } = broker === 'off' ? {} : broker
  const doors = [
    { key: 'broker.listen', address: listen },
    { key: 'broker.websocket', address: websocket },
    { key: 'broker.tls.listen', address: tls?.listen },
    { key: 'broker.tls.websocket', address: tls?.websocket },
    { key: 'metrics.port', address: metrics && { host: '127.0.0.1', port: metrics.port } },
  ]
  const own = doors.flatMap(({ key, address }) =>
    address === undefined ? [] : [{ name: key, address, key }],
  )
  return [...lines, ...own]
}

async function checkAnswer(machine: Machine, { name, address, key }: Place): Promise<Finding> {
  const { host, port } = address
  const shown = `${host}:${port}`
  try {
    await tryConnect({ host, port }, machine.clock)
    return { name, state: 'ok', found: `${shown} answers` }
  } catch (thrown) {
    return {
      name,
      state: 'fail',
      found: `${shown}: ${messageOf(thrown)}`,
      doThis:
        `Check its power, its network cable and \`${key}\`. One that lets in one caller only ` +
        'refuses a second while the gateway runs: look at the status then.',
    }
  }
}

async function checkFree({ name, address, key }: Place): Promise<Finding> {
  const { host, port } = address
  const shown = `${host}:${port}`
  try {
    await tryListen({ host, port })
    return { name, state: 'ok', found: `${shown} is free` }
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'EADDRINUSE')
      return {
        name,
        state: 'warn',
        found: `${shown} is in use`,
        doThis:
          "Leave it if that is this shop's running gateway; else " +
          `\`sudo ss -ltnp 'sport = :${port}'\` names the program: stop it, or change \`${key}\`.`,
      }
    return {
      name,
      state: 'fail',
      found: `${shown}: ${messageOf(thrown)}`,
      doThis: `Write as \`${key}\` an address of this machine, or 0.0.0.0, and a port from 1024.`,
    }
  }
}
