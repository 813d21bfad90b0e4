import type { Question } from './question.ts';

/** Chinese. Every answer stands in `said`, the user's own message. */
export const chineseQuestions: readonly Question[] = [
  {
    said: '跟你说一声，测试环境换到 qa-lark 了，端口 7082，账号找运维小覃要。',
    replied: '收到，之后的脚本我都按新地址来写。',
    question: 'qa-lark 的账号要找谁拿来着？',
  },
  {
    said: '推荐系统重构我们内部叫“白鹭计划”，欧阳靖牵头，十月底上线第一版。',
    replied: '名字挺好听的。需要我帮你列一个里程碑表吗？',
    question: '白鹭计划第一版什么时候上线？',
  },
  {
    said: '外婆昨天在绍兴住院了，心内科 6 楼 32 床，主治医生姓邬。',
    replied: '希望外婆早日康复。住院期间记得把既往用药清单带给医生看。',
    question: '外婆的主冶医生姓什么？我想打电话到心内科问问',
  },
  {
    said: '去敦煌的票抢到了！K9667，8月19号晚上十点四十开，中铺，在兰州上车。',
    replied: '太好了！八月的敦煌昼夜温差大，带件薄外套。',
    question: '我们去敦煌坐的是哪趟车？',
  },
  {
    said: '和瑞澜科技的合同签下来了，编号 HT-0583，尾款三十八万，验收后十五个工作日内付清。',
    replied: '恭喜签约！建议把验收标准也单独存档，方便日后核对。',
    question: '瑞澜那份和同的尾款是多少钱？',
  },
];

export const chineseUnrelated: readonly string[] = [
  '红烧肉怎么做才不腻？',
  '“的、地、得”到底该怎么区分？',
  '那 Python 里的装饰器又是干什么用的？',
  '为什么飞机上耳朵会疼',
  '帮我推荐几本适合初学者的天文学书',
];

export const chinesePhrases: readonly string[] = ['谢谢啦！', '再短一点', '继续', '为什么？', '说得客气一些'];
