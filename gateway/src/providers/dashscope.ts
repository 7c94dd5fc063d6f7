import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'

/** Alibaba Cloud Model Studio, https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference */
export const dashscope: Dialect = {
  ...OPENAI,
  thinkingBudget: true,
  // Search, tools and sight by fields of its own.
  billed: {
    ...OPENAI_FIELDS,
    enable_thinking: 'held',
    thinking_budget: 'covered',
    vl_high_resolution_images: 'covered',
    enable_search: 'refused',
    search_options: 'refused',
    enable_code_interpreter: 'refused',
    plugins: 'refused',
  },
  billsOnCancel: { stream: 'continues', plain: 'continues' },
}
