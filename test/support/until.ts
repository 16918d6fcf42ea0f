import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits until the condition holds; fails loudly with its name instead of hanging. The deadline is
 * for what never comes: a slow machine that is busy must not meet it.
 */
export async function until(
  name: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 180_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${name}`)
    await delay(5)
  }
}
