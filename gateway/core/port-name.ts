const DEVICE = /usb:([0-9a-f]{4}):([0-9a-f]{4})(?::([^#\s]{1,60}))?/
const SERIAL = /usb-serial:([^#\s]{1,60})/

/**
 * What a serial port may be called in place of its path: `usb:0403:6001`, with a serial number
 * `usb:0403:6001:A50285BI` or that alone `usb-serial:A50285BI`; of an adapter with several ports
 * `usb:0403:6011#01`.
 */
export const PORT_NAME = new RegExp(`^(?:${DEVICE.source}|${SERIAL.source})(?:#([0-9a-f]{2}))?$`)
