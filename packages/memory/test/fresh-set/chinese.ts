import type { Exchange } from '../own-set/chatter.ts';

export const chineseExchanges: readonly Exchange[] = [
  {
    said: '我家猫叫豆包，三岁，对鸡肉过敏，现在只吃鹿肉配方的粮，每天早晚各四十克。',
    replied: '鹿肉比较少见，不容易引起过敏，记得多给它喝水。',
    question: '豆包一天要喂多少克猫粮？',
    answeredBy: 'user',
  },
  {
    said: '公司的新系统代号叫“青鸟”，十二月三号上线，负责人是研发二部的韩雪。',
    replied: '上线前建议留一周做压力测试。',
    question: '青鸟什么时候上线来着？',
    answeredBy: 'user',
  },
  {
    said: '部署脚本一直报错 E2047，后来发现是网关的证书过期了，换了 /etc/ssl/gw.pem 之后就好了。',
    replied: '可以加一个证书到期前三十天的提醒。',
    question: '又碰到 E2047 了，上次是怎么解决的？',
    answeredBy: 'user',
  },
  {
    said: '我爸下个月做膝盖手术，在省人民医院，主刀的是周明远主任，住院押金要两万。',
    replied: '祝手术顺利，术后的康复训练也很重要。',
    question: '给我爸做膝盖手术的是哪位医生？',
    answeredBy: 'user',
  },
  {
    said: '客厅的地板最后选了橡木的，型号 OK-3315，每平米 268 元，在建材城二楼那家买的。',
    replied: '橡木耐磨，冬天注意保持湿度就不容易开裂。',
    question: '想再补几块客厅地板，当时买的是什么型号？',
    answeredBy: 'user',
  },
];
