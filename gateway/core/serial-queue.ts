/** Runs tasks one after another, as they came; a failed one does not stop those behind it. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()

  run<Value>(task: () => Promise<Value>): Promise<Value> {
    const done = this.#tail.then(task)
    // Its caller hears of a failure; the queue only needs to know that the task has ended.
    this.#tail = done.catch(() => undefined)
    return done
  }
}
