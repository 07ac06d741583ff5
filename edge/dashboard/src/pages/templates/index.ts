export { Templates } from './list'
export { TemplatePage } from './template'
