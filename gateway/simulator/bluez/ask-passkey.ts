import dbus, { type MessageBus } from 'dbus-next'

/** What a client's agent says for a device that wants a passkey; undefined where it refuses. */
export async function askPasskey(
  bus: MessageBus,
  asked: { readonly sender: string; readonly agent: string; readonly device: string },
): Promise<unknown> {
  const message = new dbus.Message({
    destination: asked.sender,
    path: asked.agent,
    interface: 'org.bluez.Agent1',
    member: 'RequestPasskey',
    signature: 'o',
    body: [asked.device],
  })
  const reply = await bus.call(message).catch(() => undefined)
  return reply?.body[0]
}
