import type { Rule } from './source-tree.js'

const MAX_FILE_LINES = 400
const MAX_FUNCTION_LINES = 70
const MAX_COLUMNS = 100

export const fileLength: Rule = tree =>
  tree
    .map(file => ({
      path: file.path,
      count: file.lines.filter((_, i) => !isLastEmpty(file, i)).length,
    }))
    .filter(({ count }) => count > MAX_FILE_LINES)
    .map(({ path, count }) => `${path}:1: ${count} lines, at most ${MAX_FILE_LINES}: split it`)

function isLastEmpty(file: { readonly lines: readonly string[] }, index: number): boolean {
  return index === file.lines.length - 1 && file.lines[index] === ''
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export const functionLength: Rule = tree =>
  tree.flatMap(file =>
    file.nodes
      .filter(({ node }) => FUNCTIONS.has(node.type))
      .map(({ line, lastLine }) => ({ line, count: lastLine - line + 1 }))
      .filter(({ count }) => count > MAX_FUNCTION_LINES)
      .map(({ line, count }) => `${file.path}:${line}: function of ${count} lines: split it`),
  )

export const lineWidth: Rule = tree =>
  tree.flatMap(file =>
    file.lines
      .map((text, index) => ({ line: index + 1, columns: [...text].length }))
      .filter(({ columns }) => columns > MAX_COLUMNS)
      .map(({ line, columns }) => `${file.path}:${line}: ${columns} columns: break the line`),
  )
