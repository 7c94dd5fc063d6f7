import type { FamilyId } from '@smartoken/prisma/catalog'

export interface Family {
  readonly name: string
  /** The company that makes the models. */
  readonly maker: string
}

/** How people write the families' names. */
export const families: Readonly<Record<FamilyId, Family>> = {
  deepseek: { name: 'DeepSeek', maker: 'DeepSeek' },
  qwen: { name: 'Qwen', maker: 'Alibaba Cloud' },
  kimi: { name: 'Kimi', maker: 'Moonshot AI' },
  glm: { name: 'GLM', maker: 'Z.ai' },
  doubao: { name: 'Doubao', maker: 'ByteDance' },
  minimax: { name: 'MiniMax', maker: 'MiniMax' },
}
