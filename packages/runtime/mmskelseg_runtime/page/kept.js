// What this browser keeps of a page, such as its theme.
import { change } from './view.js'

export const kept = (name, other) => JSON.parse(localStorage.getItem(name)) ?? other
export const keep = (name, value) => localStorage.setItem(name, JSON.stringify(value))

const root = document.documentElement
const dark = matchMedia('(prefers-color-scheme: dark)')
export const THEMES = ['as the system', 'dark', 'light']

export const theme = () => kept('theme', THEMES[0])
export function setTheme(name) {
  keep('theme', name)
  root.dataset.theme = THEMES.indexOf(name) > 0 ? name : dark.matches ? 'dark' : 'light'
  change()
}
dark.addEventListener('change', () => setTheme(theme()))
setTheme(theme())
