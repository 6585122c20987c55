import { createModuleTree, type ModuleTree } from '../support/module-tree.ts'
import { makeModule, putModule } from '../support/test-module.ts'

/**
 * What the upstream of the conformance scripts has: example.com/a in three versions, with a branch `main`;
 * example.com/Upper with an upper-case letter, a pre-release and build metadata; example.com/untagged without any
 * version that a list names; corp.example/secret, which scripts make private.
 */
export function conformanceTree(): ModuleTree {
  const tree = createModuleTree()
  const modules = [
    ['example.com/a', 'v1.0.0'],
    ['example.com/a', 'v1.1.0'],
    ['example.com/a', 'v1.2.0-rc.1'],
    ['example.com/Upper', 'v0.1.0-Pre.1'],
    ['example.com/old', 'v3.0.0+incompatible'],
    ['example.com/untagged', 'v0.0.0-20230102030405-abcdefabcdef'],
    ['corp.example/secret', 'v1.0.0'],
  ] as const
  for (const [module, version] of modules) putModule(tree, makeModule({ module, version }))
  tree.alias('example.com/a', 'main', 'v1.1.0')
  tree.alias('example.com/a', '0123456', 'v1.1.0')
  return tree
}
