import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { messageOf, TillbridgeError } from '../core/errors.js'

/** Where clients come in, and how: MQTT by itself, or inside a WebSocket; with TLS or without. */
export interface Door {
  /** `mqtt` where it is left out. */
  readonly protocol?: 'mqtt' | 'mqtts' | 'ws' | 'wss'
  readonly host: string
  readonly port: number
}

/** PEM texts. */
export interface BrokerTls {
  readonly cert: string
  readonly key: string
  /** The authority whose client certificates are asked for; absent: none are. */
  readonly clientCa?: string
}

/** A client at a door, before its first MQTT packet. */
export interface Knock {
  readonly stream: Duplex
  /** Of the connection that the door's `onConnection` was given before. */
  readonly place: string
  /** The common name of a client certificate that the authority signed. */
  readonly certificate: string | undefined
}

export interface DoorOptions {
  readonly door: Door
  readonly tls: BrokerTls | undefined
  readonly maxPacketBytes: number
  /** A TCP connection, before anything was said on it. */
  readonly onConnection: (socket: Socket) => void
  readonly onKnock: (knock: Knock) => void
}

export interface OpenDoor {
  readonly address: { readonly host: string; readonly port: number }
  /** No one comes in any more; resolves when those inside have left. */
  close(): Promise<void>
}

/** Tells the connections of one broker apart. */
export function placeOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`
}

/** @throws TillbridgeError TB_BROKER_LISTEN, TB_BROKER_TLS */
export async function openDoor(options: DoorOptions): Promise<OpenDoor> {
  const { host, port } = options.door
  const server = createDoor(options)
  // Before the knock, which a plain door hears of by the same event.
  server.prependListener('connection', options.onConnection)
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (thrown) {
    const message = `${host}:${port}: ${messageOf(thrown)}`
    throw new TillbridgeError('TB_BROKER_LISTEN', message, { cause: thrown })
  }
  const bound = server.address()
  const address =
    bound === null || typeof bound === 'string'
      ? { host, port }
      : { host: bound.address, port: bound.port }
  return {
    address,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

function createDoor(options: DoorOptions): Server {
  const knock = (socket: Socket): void =>
    options.onKnock({ stream: socket, place: placeOf(socket), certificate: certifiedName(socket) })
  switch (options.door.protocol ?? 'mqtt') {
    case 'mqtt':
      return createServer(knock)
    case 'mqtts':
      return createTlsServer(tlsOptions(options), knock)
    case 'ws':
      return withWebSockets(createHttpServer(onlyWebSockets), options)
    case 'wss':
      return withWebSockets(createHttpsServer(tlsOptions(options), onlyWebSockets), options)
  }
}

function onlyWebSockets(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end()
}

/** MQTT 3.1.1 §6: binary frames, of the subprotocol `mqtt`. */
function withWebSockets<Door extends Server>(server: Door, options: DoorOptions): Door {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 2 * options.maxPacketBytes,
    handleProtocols: protocols => (protocols.has('mqtt') ? 'mqtt' : false),
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, webSocket => {
      options.onKnock({
        stream: createWebSocketStream(webSocket),
        place: placeOf(socket),
        certificate: certifiedName(socket),
      })
    })
  })
  return server
}

/** @throws TillbridgeError TB_BROKER_TLS */
function tlsOptions({ tls }: DoorOptions) {
  if (tls === undefined) throw new TillbridgeError('TB_BROKER_TLS', 'there is no certificate')
  const { cert, key, clientCa } = tls
  try {
    createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) })
  } catch (thrown) {
    throw new TillbridgeError('TB_BROKER_TLS', messageOf(thrown), { cause: thrown })
  }
  return {
    cert,
    key,
    // One without a certificate may still have a password: what it is, CONNECT decides.
    ...(clientCa === undefined
      ? {}
      : { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
  }
}

function certifiedName(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const name = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : undefined
}
