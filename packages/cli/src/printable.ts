// SPDX-License-Identifier: Apache-2.0

/**
 * Names, reasons and metadata come from the server and from other nodes, which may lie. A control
 * sequence in one of them could redraw the screen: hide a refused node, fake a line. Nothing that a
 * command prints carries any, but the two colours of our own.
 *
 * @module
 */

/** Control characters but line break and tab, and those that turn the direction of text. */
const controls = /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu

/** Yellow, and back. */
const ownColours = ['\u001b[33m', '\u001b[0m']

/** Returns text in which every control and direction character is shown as its code. */
export function printable(text: string): string {
  return text.replace(controls, (character, offset: number) => {
    if (ownColours.some((colour) => text.startsWith(colour, offset))) return character
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
