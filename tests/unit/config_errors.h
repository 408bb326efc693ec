/* config_errors.h -- the cases of test_config_errors.c. */
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

/* clang-format off */
/* One problem each: exactly these lines, and the last one. */
static const struct {
    const char *text, *expected;
} single[] = {
    {"step:\n  rule: x\n  lenght: 0.05\n", "c.yaml:3:3: error: unknown key 'step.lenght'\n"
                                           "  3 |   lenght: 0.05\n"
                                           "    |   ^~~~~~ did you mean 'length'?\n"},
    {"optimizer:\n  length: 1\n", "c.yaml:2:3: error: unknown key 'optimizer.length'\n"
                                  "  2 |   length: 1\n"
                                  "    |   ^~~~~~ did you mean 'step.length'?\n"},
    {"step:\n  step.length: 1\n", "c.yaml:2:3: error: unknown key 'step.step.length'\n"
                                  "  2 |   step.length: 1\n"
                                  "    |   ^~~~~~~~~~~ did you mean 'length'?\n"},
    {"length: 1\n", "c.yaml:1:1: error: unknown key 'length'\n"
                    "  1 | length: 1\n"
                    "    | ^~~~~~ did you mean 'step.length'?\n"},
    {"stop.lenght: 1\n", "c.yaml:1:1: error: unknown key 'stop.lenght'\n"
                         "  1 | stop.lenght: 1\n"
                         "    | ^~~~~~~~~~~ did you mean 'step.length'?\n"},
    {"sede: 1\n", "c.yaml:1:1: error: unknown key 'sede'\n"
                  "  1 | sede: 1\n"
                  "    | ^~~~ did you mean 'seed'?\n"},
    {"step:\n  zebra: 1\n", "c.yaml:2:3: error: unknown key 'step.zebra'\n"
                            "  2 |   zebra: 1\n"
                            "    |   ^~~~~\n"},
    {"\n\nstpe:\n  length: 1\n", "c.yaml:3:1: error: unknown section 'stpe'\n"
                                 "  3 | stpe:\n"
                                 "    | ^~~~ did you mean 'step'?\n"},
    {"zebra:\n  a: 1\n", "c.yaml:1:1: error: unknown section 'zebra'\n"
                         "  1 | zebra:\n"
                         "    | ^~~~~ sections: data model optimizer step stop reduction parallel checkpoint output\n"},
    {"seed: abc\n", "c.yaml:1:7: error: 'seed' must be a whole number (>= 0), not 'abc'\n"
                    "  1 | seed: abc\n"
                    "    |       ^~~\n"},
    {"seed: 1.5 # half\n", "c.yaml:1:7: error: 'seed' must be a whole number (>= 0), not '1.5'\n"
                           "  1 | seed: 1.5 # half\n"
                           "    |       ^~~\n"},
    {"seed: 9223372036854775808\n",
     "c.yaml:1:7: error: 'seed' is 9223372036854775808, but whole numbers end at 9223372036854775807\n"
     "  1 | seed: 9223372036854775808\n"
     "    |       ^~~~~~~~~~~~~~~~~~~\n"},
    /* sections inside sections */
    {"data:\n  validation:\n    fractoin: 0.2\n",
     "c.yaml:3:5: error: unknown key 'data.validation.fractoin'\n"
     "  3 |     fractoin: 0.2\n"
     "    |     ^~~~~~~~ did you mean 'fraction'?\n"},
    {"data.validation.fractoin: 0.2\n",
     "c.yaml:1:1: error: unknown key 'data.validation.fractoin'\n"
     "  1 | data.validation.fractoin: 0.2\n"
     "    | ^~~~~~~~~~~~~~~~~~~~~~~~ did you mean 'data.validation.fraction'?\n"},
    {"data:\n  fraction: 0.2\n", "c.yaml:2:3: error: unknown key 'data.fraction'\n"
                                 "  2 |   fraction: 0.2\n"
                                 "    |   ^~~~~~~~ did you mean 'validation.fraction'?\n"},
    {"data:\n  validation:\n    train: a\n", "c.yaml:3:5: error: unknown key 'data.validation.train'\n"
                                            "  3 |     train: a\n"
                                            "    |     ^~~~~ did you mean 'data.train'?\n"},
    {"data: {validaton: {fraction: 0.2}}\n", "c.yaml:1:8: error: unknown section 'data.validaton'\n"
                                            "  1 | data: {validaton: {fraction: 0.2}}\n"
                                            "    |        ^~~~~~~~~ did you mean 'validation'?\n"},
    {"data.validaton: {fraction: 0.2}\n", "c.yaml:1:1: error: unknown section 'data.validaton'\n"
                                         "  1 | data.validaton: {fraction: 0.2}\n"
                                         "    | ^~~~~~~~~~~~~~ did you mean 'data.validation'?\n"},
    {"validation:\n  fraction: 0.2\n", "c.yaml:1:1: error: unknown section 'validation'\n"
                                       "  1 | validation:\n"
                                       "    | ^~~~~~~~~~ did you mean 'data.validation'?\n"},
    {"model: {validation: {fraction: 0.2}}\n", "c.yaml:1:9: error: unknown section 'model.validation'\n"
                                              "  1 | model: {validation: {fraction: 0.2}}\n"
                                              "    |         ^~~~~~~~~~ did you mean 'data.validation'?\n"},
    {"data:\n  validaton: v.h5\n", "c.yaml:2:3: error: unknown key 'data.validaton'\n"
                                   "  2 |   validaton: v.h5\n"
                                   "    |   ^~~~~~~~~ did you mean 'validation'?\n"},
    {"validation: v.h5\n", "c.yaml:1:1: error: unknown key 'validation'\n"
                           "  1 | validation: v.h5\n"
                           "    | ^~~~~~~~~~ did you mean 'data.validation'?\n"},
    {"data: {step: {tau: 1}}\n", "c.yaml:1:8: error: unknown key 'data.step'\n"
                                "  1 | data: {step: {tau: 1}}\n"
                                "    |        ^~~~\n"},
    {"data: {validation: {zebra: 1}}\n", "c.yaml:1:21: error: unknown key 'data.validation.zebra'\n"
                                        "  1 | data: {validation: {zebra: 1}}\n"
                                        "    |                     ^~~~~\n"},
    {"data: {validation: {tail: {a: 1}}}\n",
     "c.yaml:1:27: error: nested deeper than 3 levels; sections hold keys, keys hold one value\n"
     "  1 | data: {validation: {tail: {a: 1}}}\n"
     "    |                           ^\n"},
    {"data.validation.tail: [1]\n", "c.yaml:1:23: error: 'data.validation.tail' takes one value, not a list\n"
                                   "  1 | data.validation.tail: [1]\n"
                                   "    |                       ^\n"},
    {"model: {path: 5}\n", "c.yaml:1:15: error: section 'model.path' must hold 'key: value' lines, not a value\n"
                          "  1 | model: {path: 5}\n"
                          "    |               ^\n"},
    {"model.path: [5]\n", "c.yaml:1:13: error: section 'model.path' must hold 'key: value' lines, not a list\n"
                         "  1 | model.path: [5]\n"
                         "    |             ^\n"},
    {"data:\n  validation:\n    - v.h5\n",
     "c.yaml:3:5: error: section 'data.validation' must hold 'key: value' lines or one value, not a list\n"
     "  3 |     - v.h5\n"
     "    |     ^\n"},
    {"data:\n  validation:\n    fraction:0.2\n",
     "c.yaml:3:5: error: section 'data.validation' must hold 'key: value' lines, not a value\n"
     "  3 |     fraction:0.2\n"
     "    |     ^~~~~~~~~~~~ is a space missing after ':'?\n"},
    {"data.validation: \"a\\tb\"\n",
     "c.yaml:1:18: error: 'data.validation.file' holds a control character or is not UTF-8\n"
     "  1 | data.validation: \"a\\tb\"\n"
     "    |                  ^~~~~~\n"},
    {"data.validation: *a\n", "c.yaml:1:18: error: aliases (*) are not accepted; write the value itself\n"
                             "  1 | data.validation: *a\n"
                             "    |                  ^~\n"},
    {"data:\n  validation: {tail: 5}\ndata.validation.tail: 6\n",
     "c.yaml:3:1: error: key 'data.validation.tail' given twice; first on line 2\n"
     "  3 | data.validation.tail: 6\n"
     "    | ^~~~~~~~~~~~~~~~~~~~\n"},
    {"data.validation: {tail: 5}\ndata:\n  validation: {fraction: 0.1}\n",
     "c.yaml:3:3: error: section 'data.validation' given twice; first on line 1\n"
     "  3 |   validation: {fraction: 0.1}\n"
     "    |   ^~~~~~~~~~ put its keys together\n"},
    {"data.validation: v.h5\ndata.validation: w.h5\n",
     "c.yaml:2:1: error: section 'data.validation' given twice; first on line 1\n"
     "  2 | data.validation: w.h5\n"
     "    | ^~~~~~~~~~~~~~~ put its keys together\n"},
    {"data.validation: v.h5\ndata: {validation: {tail: 5}}\n",
     "c.yaml:2:8: error: section 'data.validation' given twice; first on line 1\n"
     "  2 | data: {validation: {tail: 5}}\n"
     "    |        ^~~~~~~~~~ put its keys together\n"},
    {"data.validation.file: v.h5\ndata.validation: w.h5\n",
     "c.yaml:2:1: error: key 'data.validation.file' given twice; first on line 1\n"
     "  2 | data.validation: w.h5\n"
     "    | ^~~~~~~~~~~~~~~\n"},
    {"data.validation: v.h5\ndata.validation.file: w.h5\n",
     "c.yaml:2:1: error: key 'data.validation.file' given twice; first on line 1\n"
     "  2 | data.validation.file: w.h5\n"
     "    | ^~~~~~~~~~~~~~~~~~~~\n"},
    {"model: {path: {min_ratio: null}}\n",
     "c.yaml:1:27: error: 'model.path.min_ratio' needs a value (leave the line out for the default, 1e-3)\n"
     "  1 | model: {path: {min_ratio: null}}\n"
     "    |                           ^~~~\n"},
    {"step: {tau: fast}\n", "c.yaml:1:13: error: 'step.tau' must be a number (> 0), not 'fast'\n"
                            "  1 | step: {tau: fast}\n"
                            "    |             ^~~~\n"},
    {"step:\n  c1: 0.5\n", "c.yaml:2:7: error: 'step.c1' is 0.5, but must be > 0 and < 0.5\n"
                           "  2 |   c1: 0.5\n"
                           "    |       ^~~\n"},
    {"version: 2\n", "c.yaml:1:10: error: 'version' is 2, but must be 1\n"
                     "  1 | version: 2\n"
                     "    |          ^\n"},
    {"step.max_trials: 0\n", "c.yaml:1:18: error: 'step.max_trials' is 0, but must be from 1 to 1000\n"
                             "  1 | step.max_trials: 0\n"
                             "    |                  ^\n"},
    {"reduction: {groups: 24}\n",
     "c.yaml:1:21: error: 'reduction.groups' is 24, but must be a power of two from 1 to 65536\n"
     "  1 | reduction: {groups: 24}\n"
     "    |                     ^~\n"},
    {"step.tau: .NaN\n", "c.yaml:1:11: error: 'step.tau' must be finite, not '.NaN'\n"
                         "  1 | step.tau: .NaN\n"
                         "    |           ^~~~\n"},
    {"step.tau: 1e999\n", "c.yaml:1:11: error: 'step.tau' is 1e999, beyond what a double can hold\n"
                          "  1 | step.tau: 1e999\n"
                          "    |           ^~~~~\n"},
    {"stop.max_time: 1:3\n", "c.yaml:1:16: error: 'stop.max_time' must be a duration (H:MM:SS, MM:SS, or a "
                             "number alone or with s, m or h), not '1:3'\n"
                             "  1 | stop.max_time: 1:3\n"
                             "    |                ^~~\n"},
    {"model.intercept: maybe\n", "c.yaml:1:18: error: 'model.intercept' must be true or false, not 'maybe'\n"
                                 "  1 | model.intercept: maybe\n"
                                 "    |                  ^~~~~\n"},
    {"data:\n  scaling: 'standardise'\n",
     "c.yaml:2:12: error: 'data.scaling' cannot be 'standardise'; choices: none, standardize, minmax\n"
     "  2 |   scaling: 'standardise'\n"
     "    |            ^~~~~~~~~~~~~ did you mean 'standardize'?\n"},
    {"data:\n  scaling: zebra\n",
     "c.yaml:2:12: error: 'data.scaling' cannot be 'zebra'; choices: none, standardize, minmax\n"
     "  2 |   scaling: zebra\n"
     "    |            ^~~~~\n"},
    {"step.rule: two words\n",
     "c.yaml:1:12: error: 'step.rule' must be one word of letters, digits, - and _, not 'two words'\n"
     "  1 | step.rule: two words\n"
     "    |            ^~~~~~~~~\n"},
    {"seed:\n", "c.yaml:1:1: error: 'seed' needs a value (leave the line out for the default, 0)\n"
                "  1 | seed:\n"
                "    | ^~~~\n"},
    {"seed: null\n", "c.yaml:1:7: error: 'seed' needs a value (leave the line out for the default, 0)\n"
                     "  1 | seed: null\n"
                     "    |       ^~~~\n"},
    {"seed: 1\nstep:\n  tau: 1\nseed: 2\n", "c.yaml:4:1: error: key 'seed' given twice; first on line 1\n"
                                            "  4 | seed: 2\n"
                                            "    | ^~~~\n"},
    {"step.tau: 1\nstep:\n  tau: 1\n", "c.yaml:3:3: error: key 'step.tau' given twice; first on line 1\n"
                                       "  3 |   tau: 1\n"
                                       "    |   ^~~\n"},
    {"step:\n  tau: 1\nstep:\n  c1: 0.1\n", "c.yaml:3:1: error: section 'step' given twice; first on line 1\n"
                                            "  3 | step:\n"
                                            "    | ^~~~ put its keys together\n"},
    {"step: 5\n", "c.yaml:1:7: error: section 'step' must hold 'key: value' lines, not a value\n"
                  "  1 | step: 5\n"
                  "    |       ^\n"},
    {"step:\n  length:1\n", "c.yaml:2:3: error: section 'step' must hold 'key: value' lines, not a value\n"
                            "  2 |   length:1\n"
                            "    |   ^~~~~~~~ is a space missing after ':'?\n"},
    {"step:\n  - tau\n", "c.yaml:2:3: error: section 'step' must hold 'key: value' lines, not a list\n"
                         "  2 |   - tau\n"
                         "    |   ^\n"},
    {"step:\n  tau: [1, 2]\n", "c.yaml:2:8: error: 'step.tau' takes one value, not a list\n"
                               "  2 |   tau: [1, 2]\n"
                               "    |        ^\n"},
    {"seed: {a: 1}\n", "c.yaml:1:7: error: 'seed' takes one value, not a group of keys\n"
                       "  1 | seed: {a: 1}\n"
                       "    |       ^\n"},
    {"seed: &x 3\n", "c.yaml:1:7: error: anchors (&) are not accepted; write the value itself\n"
                     "  1 | seed: &x 3\n"
                     "    |       ^~\n"},
    {"seed: *x\n", "c.yaml:1:7: error: aliases (*) are not accepted; write the value itself\n"
                   "  1 | seed: *x\n"
                   "    |       ^~\n"},
    {"seed: !!int 3\n", "c.yaml:1:7: error: tags (!) are not accepted; write the value itself\n"
                        "  1 | seed: !!int 3\n"
                        "    |       ^~~~~\n"},
    {"%YAML 1.2\n---\nseed: 3\n", "c.yaml:1:1: error: directives (%...) are not accepted\n"
                                  "  1 | %YAML 1.2\n"
                                  "    | ^~~~~~~~~\n"},
    {"seed: 3\n---\nseed: 4\n",
     "c.yaml:2:1: error: a second YAML document; one file holds one configuration\n"
     "  2 | ---\n"
     "    | ^~~\n"},
    {"step:\n\ttau: 1\n", "c.yaml:2:1: error: a tab in the indentation; use spaces\n"
                          "  2 |  tau: 1\n"
                          "    | ^\n"},
    {"data:\n  labels: |\n    a\n    b\n",
     "c.yaml:2:11: error: text of several lines; a value stands on one line\n"
     "  2 |   labels: |\n"
     "    |           ^\n"},
    {"data:\n  labels: a\n    b\n", "c.yaml:2:11: error: text of several lines; a value stands on one line\n"
                                    "  2 |   labels: a\n"
                                    "    |           ^\n"},
    {"data.labels: \"a\\tb\"\n",
     "c.yaml:1:14: error: 'data.labels' holds a control character or is not UTF-8\n"
     "  1 | data.labels: \"a\\tb\"\n"
     "    |              ^~~~~~\n"},
    {"data.labels: \"a\\0b\"\n", "c.yaml:1:14: error: a zero byte in a text\n"
                                 "  1 | data.labels: \"a\\0b\"\n"
                                 "    |              ^~~~~~\n"},
    {"\"seed\\0\": 1\n", "c.yaml:1:1: error: a zero byte in a text\n"
                         "  1 | \"seed\\0\": 1\n"
                         "    | ^~~~~~~~\n"},
    {"data.labels: \"\\u0007\"\n", "c.yaml:1:14: error: 'data.labels' holds a control character or is not UTF-8\n"
                                   "  1 | data.labels: \"\\u0007\"\n"
                                   "    |              ^~~~~~~~\n"},
    {"data.train: []\n", "c.yaml:1:1: error: 'data.train' is empty\n"
                         "  1 | data.train: []\n"
                         "    | ^~~~~~~~~~\n"},
    {"data.train: [a, '']\n", "c.yaml:1:17: error: 'data.train' has an empty part\n"
                              "  1 | data.train: [a, '']\n"
                              "    |                 ^~\n"},
    {"data.train: [a, [b]]\n", "c.yaml:1:17: error: a part of 'data.train' is one value, not a list\n"
                               "  1 | data.train: [a, [b]]\n"
                               "    |                 ^\n"},
    {"data.train: {a: b}\n", "c.yaml:1:13: error: 'data.train' takes one value or a list, not a group of keys\n"
                             "  1 | data.train: {a: b}\n"
                             "    |             ^\n"},
    {"data.train: \"a\\nb\"\n", "c.yaml:1:13: error: 'data.train' holds a control character or is not UTF-8\n"
                               "  1 | data.train: \"a\\nb\"\n"
                               "    |             ^~~~~~\n"},
    {"model.class_weight: {0: -1}\n", "c.yaml:1:25: error: 'model.class_weight': the value of '0' must be a number >= 0, not '-1'\n"
                                      "  1 | model.class_weight: {0: -1}\n"
                                      "    |                         ^~\n"},
    {"model.class_weight:\n  a: .inf\n", "c.yaml:2:6: error: 'model.class_weight': the value of 'a' must be a number >= 0, not '.inf'\n"
                                         "  2 |   a: .inf\n"
                                         "    |      ^~~~\n"},
    {"model.class_weight: {a: 1, a: 2}\n", "c.yaml:1:31: error: 'model.class_weight' has 'a' twice\n"
                                           "  1 | model.class_weight: {a: 1, a: 2}\n"
                                           "    |                               ^\n"},
    {"model.class_weight: balance\n", "c.yaml:1:21: error: 'model.class_weight' must be balanced or pairs like 'NAME: NUMBER, NAME: NUMBER', not 'balance'\n"
                                      "  1 | model.class_weight: balance\n"
                                      "    |                     ^~~~~~~ did you mean 'balanced'?\n"},
    {"model.class_weight: [1, 2]\n", "c.yaml:1:21: error: 'model.class_weight' takes one value or pairs 'NAME: NUMBER', not a list\n"
                                     "  1 | model.class_weight: [1, 2]\n"
                                     "    |                     ^\n"},
    {"model.class_weight: {}\n", "c.yaml:1:1: error: 'model.class_weight' is empty\n"
                                 "  1 | model.class_weight: {}\n"
                                 "    | ^~~~~~~~~~~~~~~~~~\n"},
    {"? [a]\n: 1\n", "c.yaml:1:3: error: a key must be one word, not a list\n"
                     "  1 | ? [a]\n"
                     "    |   ^\n"},
    {"'': 1\n", "c.yaml:1:1: error: a key is missing before ':'\n"
                "  1 | '': 1\n"
                "    | ^~\n"},
    {"hello\n", "c.yaml:1:1: error: a configuration is made of 'key: value' lines, not of a value\n"
                "  1 | hello\n"
                "    | ^~~~~\n"},
    {"- a\n", "c.yaml:1:1: error: a configuration is made of 'key: value' lines, not of a list\n"
              "  1 | - a\n"
              "    | ^\n"},
    {"", "c.yaml: error: configuration is empty\n"},
    {"\xef\xbb\xbf", "c.yaml: error: configuration is empty\n"},
    {"# nothing\r\n\r\n", "c.yaml: error: configuration is empty\n"},
    {"---\n...\n", "c.yaml: error: configuration is empty\n"},
    {"seed: \xff\n", "c.yaml:1:7: error: a byte that is not UTF-8, or a character that cannot be seen\n"
                     "  1 | seed: ?\n"
                     "    |       ^\n"},
    {"seed: \xc0\xaf\n", "c.yaml:1:7: error: a byte that is not UTF-8, or a character that cannot be seen\n"
                         "  1 | seed: ??\n"
                         "    |       ^\n"},
    {"seed: 1 # \x1b[31m\n", "c.yaml:1:11: error: a control character: this is not plain text\n"
                             "  1 | seed: 1 # ?[31m\n"
                             "    |           ^\n"},
    /* places do not move with line ends, byte order marks and wide characters */
    {"\xef\xbb\xbfsede: 1\r\n", "c.yaml:1:1: error: unknown key 'sede'\n"
                                "  1 | sede: 1\n"
                                "    | ^~~~ did you mean 'seed'?\n"},
    {"# \r\n\r\nstep:\r\n  c1: 7\r\n", "c.yaml:4:7: error: 'step.c1' is 7, but must be > 0 and < 0.5\n"
                                       "  4 |   c1: 7\n"
                                       "    |       ^\n"},
    {"data: {labels: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80, scaling: \xc3\xa9\xc3\xa9}\n",
     "c.yaml:1:30: error: 'data.scaling' cannot be '\xc3\xa9\xc3\xa9'; choices: none, standardize, minmax\n"
     "  1 | data: {labels: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80, scaling: \xc3\xa9\xc3\xa9}\n"
     "    |                              ^~\n"},
    {"\n\n\n\n\n\n\n\n\n\n\nsede: 1\n", "c.yaml:12:1: error: unknown key 'sede'\n"
                                        "  12 | sede: 1\n"
                                        "     | ^~~~ did you mean 'seed'?\n"},
};
/* The reason is libfyaml's and may change; the place is ours to keep. */
static const struct {
    const char *text, *start, *part;
} broken[] = {
    {"step:\n  tau: 1\n c1: 2\n", "c.yaml:3:2: error: broken YAML: ", "    |  ^"},
    {"step:\n  tau 1\n  c1: 2\n", "c.yaml:2:3: error: broken YAML: ", "    |   ^ is a ':' missing"},
    {"step.rule: \"abc\n", "c.yaml:1:13: error: broken YAML: ", "    |             ^"},
    {"seed: 1: 2\n", "c.yaml:1:8: error: broken YAML: ", "    |        ^"},
    {"seed: @x\n", "c.yaml:1:7: error: broken YAML: ", "    |       ^"},
    {"seed: ]\n", "c.yaml:1:7: error: broken YAML: ", "    |       ^"},
    {"step: {tau: 1\n", "c.yaml:2:1: error: broken YAML: ", ""},
};

/* clang-format on */

#endif
