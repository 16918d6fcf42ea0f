import { PORT_NAME } from '../../core/port-name.js'
import type { SerialPortInfo } from './serial-port-list.js'

/** What a port is called where its path may change: what its USB adapter says of itself. */
export interface PortName {
  readonly vendorId?: string
  readonly productId?: string
  readonly serial?: string
  /** Of an adapter with several ports: `01`. */
  readonly interface?: string
}

/** Nothing where the text is a path. */
export function readPortName(text: string): PortName | undefined {
  const match = PORT_NAME.exec(text)
  if (match === null) return undefined
  const [, vendorId, productId, serialBehind, serialAlone, number] = match
  const serial = serialBehind ?? serialAlone
  return {
    ...(vendorId === undefined ? {} : { vendorId }),
    ...(productId === undefined ? {} : { productId }),
    ...(serial === undefined ? {} : { serial }),
    ...(number === undefined ? {} : { interface: number }),
  }
}

/** The ports that go by this name now, in the order of the sockets they are plugged into. */
export function portsNamed(
  name: PortName,
  ports: readonly SerialPortInfo[],
): readonly SerialPortInfo[] {
  const placeOf = ({ byPath, path }: SerialPortInfo): string => byPath ?? path
  return ports
    .filter(
      ({ usb }) =>
        usb !== undefined &&
        (name.vendorId ?? usb.vendorId) === usb.vendorId &&
        (name.productId ?? usb.productId) === usb.productId &&
        (name.serial === undefined || name.serial === usb.serial) &&
        (name.interface ?? usb.interface) === usb.interface,
    )
    .sort((left, right) => (placeOf(left) < placeOf(right) ? -1 : 1))
}
