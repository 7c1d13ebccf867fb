// Tokenise files with VS Code's own engine: node tokenise.cjs MODULES GRAMMAR FILE…
// Prints a JSON array for each file: [text, its innermost scope, line] for each token that isn't white space.
const fs = require("fs");
const path = require("path");
const [modules, grammarFile, ...files] = process.argv.slice(2);
const textmate = require(path.join(modules, "vscode-textmate"));
const oniguruma = require(path.join(modules, "vscode-oniguruma"));

async function main() {
  await oniguruma.loadWASM(fs.readFileSync(path.join(modules, "vscode-oniguruma", "release", "onig.wasm")).buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile),
  });
  const grammar = await registry.loadGrammar("source.vox");
  for (const file of files) {
    const found = [];
    let state = textmate.INITIAL;
    fs.readFileSync(file, "utf8").split(/\r?\n/).forEach((line, index) => {
      const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
      state = ruleStack;
      for (const token of tokens) {
        const text = line.slice(token.startIndex, token.endIndex);
        if (text.trim()) found.push([text, token.scopes[token.scopes.length - 1], index + 1]);
      }
    });
    console.log(JSON.stringify(found));
  }
}

main();
