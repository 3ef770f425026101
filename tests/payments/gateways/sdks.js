// SDKs by other hands, for tests: as merchants of the sandbox, and as judges of what each side writes.
// Reads {act, …} as JSON from standard input, writes the outcome as JSON.
const { readFileSync } = require("node:fs");
const { Wechatpay, Aes, Rsa, Formatter } = require("wechatpay-axios-plugin");
const { AlipaySdk } = require("alipay-sdk");

const refusal = (error) => ({ status: error.response?.status, data: error.response?.data, error: error.message });

async function inTurn(calls, call) {
  const answers = [];
  for (const each of calls) {
    answers.push(await call(each).catch(refusal));
  }
  return answers;
}

function alipay({ app_id, private_key_pem, alipay_public_key_pem, base_url }) {
  return new AlipaySdk({
    appId: app_id,
    privateKey: private_key_pem,
    keyType: "PKCS8",
    alipayPublicKey: alipay_public_key_pem,
    gateway: `${base_url}/gateway.do`,
    camelcase: false,
  });
}

const acts = {
  // Each call is [method, path, body or query]; every answer but a bill's file is verified by the SDK.
  wechatCalls({ settings, calls }) {
    const client = new Wechatpay({
      mchid: settings.mchid,
      serial: settings.serial,
      privateKey: settings.private_key_pem,
      certs: settings.platform_keys,
      baseURL: settings.base_url,
      proxy: false,
    });
    return inTurn(calls, async ([method, path, content]) => {
      const resource = client.chain(path);
      const answer = await (method === "GET" ? resource.get({ params: content }) : resource.post(content));
      return { status: answer.status, data: answer.data };
    });
  },

  wechatNotice({ settings, headers, body }) {
    const { "wechatpay-timestamp": at, "wechatpay-nonce": nonce, "wechatpay-signature": signature } = headers;
    const key = Rsa.from(settings.platform_keys[headers["wechatpay-serial"]], Rsa.KEY_TYPE_PUBLIC);
    const { resource } = JSON.parse(body);
    return {
      signed: Rsa.verify(Formatter.response(at, nonce, body), signature, key),
      plain: Aes.AesGcm.decrypt(resource.ciphertext, settings.api_v3_key, resource.nonce, resource.associated_data),
    };
  },

  wechatRequest({ merchant_public_key, method, target, body, timestamp, nonce, signature }) {
    const key = Rsa.from(merchant_public_key, Rsa.KEY_TYPE_PUBLIC);
    return Rsa.verify(Formatter.request(method, target, timestamp, nonce, body), signature, key);
  },

  wechatLines({ public_key, lines, signature }) {
    return Rsa.verify(Formatter.joinedByLineFeed(...lines), signature, Rsa.from(public_key, Rsa.KEY_TYPE_PUBLIC));
  },

  wechatOpened({ private_key, sealed }) {
    return sealed.map((each) => Rsa.decrypt(each, Rsa.from(private_key, Rsa.KEY_TYPE_PRIVATE)));
  },

  wechatBill({ content }) {
    return Formatter.castCsvBill(Buffer.from(content, "base64"));
  },

  // Each call is [method, bizContent]; every answer is verified by the SDK.
  alipayCalls({ settings, calls }) {
    const sdk = alipay(settings);
    return inTurn(calls, ([method, bizContent]) => sdk.exec(method, { bizContent }, { validateSign: true }));
  },

  alipaySigned({ settings, fields }) {
    return alipay(settings).checkNotifySignV2(fields);
  },
};

async function main() {
  const asked = JSON.parse(readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(await acts[asked.act](asked)));
}

main();
