// SPDX-License-Identifier: Apache-2.0

/**
 * Messages for one node that are no state of the network: questions to it. They are kept apart from what a
 * session is owed, so that no full message and no reconnecting loses them, and are written once, each in a
 * frame of its own: a client takes one question from a message.
 *
 * @module
 */

/** Messages that wait, by node. */
export class Errands {
  readonly #waiting = new Map<number, Set<{ readonly json: string }>>()

  /** Adds a message; the returned function takes it back if it was not written yet. */
  add(nodeId: number, json: string): () => void {
    const errand = { json }
    const waiting = this.#waiting.get(nodeId) ?? new Set()
    waiting.add(errand)
    this.#waiting.set(nodeId, waiting)
    return () => this.#remove(nodeId, errand)
  }

  /** Takes the oldest message for a node. */
  next(nodeId: number): string | undefined {
    if (this.#waiting.size === 0) return undefined
    const [errand] = this.#waiting.get(nodeId) ?? []
    if (errand !== undefined) this.#remove(nodeId, errand)
    return errand?.json
  }

  #remove(nodeId: number, errand: { readonly json: string }): void {
    const waiting = this.#waiting.get(nodeId)
    waiting?.delete(errand)
    if (waiting?.size === 0) this.#waiting.delete(nodeId)
  }
}
