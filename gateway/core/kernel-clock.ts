import koffi from 'koffi'

/** adjtimex(2) returns this while no time service has set the clock (STA_UNSYNC). */
const TIME_ERROR = 5
/** `struct timex` has 208 bytes on 64-bit Linux and less on 32-bit; all zero means "only read". */
const TIMEX_BYTES = 256

/**
 * A reader of whether a time service (chrony, timesyncd) has set this machine's clock since it
 * booted. A Pi has no clock that survives power-off: until then its wall clock may be hours behind.
 */
export function openKernelClock(): () => 'synced' | 'unsure' {
  const adjtimex = koffi.load('libc.so.6').func('int adjtimex(void *timex)')
  return () => {
    const state: unknown = adjtimex(Buffer.alloc(TIMEX_BYTES))
    return typeof state === 'number' && state >= 0 && state !== TIME_ERROR ? 'synced' : 'unsure'
  }
}
