// Evaluates to a function of the interpreter's exports that gives a function from a template's text to one that renders it.
// A rendering gives [whether it succeeded, the text or what the template raised].
(function ({ Environment, Interpreter, tokenize, parse }) {
  class Raised extends Error {}

  const scratch = new Environment();
  const convert = (value) => {
    scratch.variables.delete("value");
    return scratch.set("value", value);
  };
  const ArrayValue = convert([]).constructor;
  const ObjectValue = convert({}).constructor;

  // Objects arrive as ["object", key, value, ...], so that members keep their order; a JavaScript object would sort "1".
  const decode = (value) => {
    if (!Array.isArray(value)) {
      return convert(value);
    }
    if (value[0] === "array") {
      return new ArrayValue(value.slice(1).map(decode));
    }
    const members = new Map();
    for (let i = 1; i < value.length; i += 2) {
      members.set(value[i], decode(value[i + 1]));
    }
    return new ObjectValue(members);
  };

  const isContainer = (value) => value instanceof ArrayValue || value instanceof ObjectValue;
  const NullValue = convert(null).constructor;
  const StringValue = convert("").constructor;
  const FunctionValue = convert(() => null).constructor;

  // Python's repr, which is what Jinja prints of containers.
  const quoted = (text) => {
    const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
    const escaped = text.replace(/[\\\n\r\t'"]/g, (c) => {
      const name = { "\n": "n", "\r": "r", "\t": "t", "\\": "\\", [quote]: quote }[c];
      return name === undefined ? c : "\\" + name;
    });
    const hex = (c) => "\\x" + c.charCodeAt(0).toString(16).padStart(2, "0");
    return quote + escaped.replace(/[\x00-\x1f\x7f-\xa0\xad]/g, hex) + quote;
  };
  const repr = (value) => (value instanceof StringValue ? quoted(value.value) : value.toString());
  convert(true).constructor.prototype.toString = function () {
    return this.value ? "True" : "False";
  };
  NullValue.prototype.toString = () => "None";
  ArrayValue.prototype.toString = function () {
    const items = this.value.map(repr).join(", ");
    return this.type === "TupleValue" ? `(${items}${this.value.length === 1 ? "," : ""})` : `[${items}]`;
  };
  ObjectValue.prototype.toString = function () {
    return `{${[...this.value].map(([key, value]) => `${quoted(key)}: ${repr(value)}`).join(", ")}}`;
  };

  const printed = (value) => (value.type === "UndefinedValue" ? "" : value.toString());

  const isNumber = (value) => ["IntegerValue", "FloatValue", "BooleanValue"].includes(value.type);
  const equal = (a, b) => {
    if (isNumber(a) && isNumber(b)) {
      return Number(a.value) === Number(b.value);
    }
    if (a instanceof ArrayValue && a.type === b.type) {
      return a.value.length === b.value.length && a.value.every((item, i) => equal(item, b.value[i]));
    }
    if (a instanceof ObjectValue && b instanceof ObjectValue) {
      const holds = ([key, value]) => b.value.has(key) && equal(value, b.value.get(key));
      return a.value.size === b.value.size && [...a.value].every(holds);
    }
    return a.type === b.type && a.value === b.value;
  };
  scratch.tests.set("equalto", equal);
  scratch.tests.set("eq", equal);
  scratch.tests.set("iterable", (value) => isContainer(value) || ["StringValue", "UndefinedValue"].includes(value.type));

  const SILENT = new Set(["Set", "Macro", "Comment"]);
  const OF_TEXT = new Set(["string", "trim", "upper", "lower", "capitalize", "title", "indent", "replace"]);
  const OF_ITEMS = new Set(["selectattr", "rejectattr", "select", "reject", "map"]);
  const COMPLEMENTS = { selectattr: "rejectattr", rejectattr: "selectattr" };
  const characters = (text) => convert(Array.from(text.value));

  // An expression that has been evaluated.
  class Known {
    constructor(value) {
      this.value = value;
    }
  }

  // Where the package does otherwise than Jinja does in transformers, templates decide by what Jinja does.
  class Rendering extends Interpreter {
    loops = [];

    // What an iteration prints before {% break %} or {% continue %} stays, and what it sets is gone in the next one.
    evaluateBlock(statements, environment) {
      const loop = this.loops.at(-1);
      const iterates = loop !== undefined && loop.body === statements;
      const scope = iterates ? new Environment(environment) : environment;
      let text = "";
      for (const statement of iterates && loop.ended ? [] : statements) {
        try {
          const value = this.evaluate(statement, scope);
          text += value instanceof NullValue && SILENT.has(statement.type) ? "" : printed(value);
        } catch (e) {
          if (e.constructor.name !== "BreakControl" && e.constructor.name !== "ContinueControl") {
            throw e;
          }
          text += e.printed ?? "";
          if (!iterates) {
            e.printed = text;
            throw e;
          }
          loop.ended = e.constructor.name === "BreakControl";
          break;
        }
      }
      return convert(text);
    }

    evaluateFor(node, environment) {
      const over = node.iterable.type === "SelectExpression" ? node.iterable.lhs : node.iterable;
      this.loops.push({ body: node.body, over, ended: false });
      try {
        return super.evaluateFor(node, environment);
      } finally {
        this.loops.pop();
      }
    }

    // Loops go over the characters of a string, and over nothing of what is undefined.
    evaluate(statement, environment) {
      if (statement instanceof Known) {
        return statement.value;
      }
      const value = super.evaluate(statement, environment);
      const loop = this.loops.at(-1);
      if (loop === undefined || loop.over !== statement) {
        return value;
      }
      return value instanceof StringValue ? characters(value) : value.value === undefined ? convert([]) : value;
    }

    // What has no such member, or is asked for one that cannot be, gives undefined, which has no members at all.
    evaluateMemberExpression(expression, environment) {
      const object = this.evaluate(expression.object, environment);
      if (object.type === "UndefinedValue") {
        throw new Error(`no value is defined of which a member could be had: ${expression.property.value ?? "[...]"}`);
      }
      try {
        return super.evaluateMemberExpression({ ...expression, object: new Known(object) }, environment);
      } catch (e) {
        if (String(e.message).startsWith("Cannot access property with non-string")) {
          return convert(undefined);
        }
        throw e;
      }
    }

    // Values of unlike types differ, containers are compared by what they hold, and a text can be joined with a text alone.
    evaluateBinaryExpression(expression, environment) {
      const operator = expression.operator.value;
      if (!["==", "!=", "+", "~"].includes(operator)) {
        return super.evaluateBinaryExpression(expression, environment);
      }
      const [left, right] = [expression.left, expression.right].map((side) => this.evaluate(side, environment));
      if (operator === "~") {
        return convert(printed(left) + printed(right));
      }
      if (operator !== "+") {
        return convert(equal(left, right) === (operator === "=="));
      }
      if (left instanceof StringValue !== right instanceof StringValue) {
        throw new Error(`+ cannot join ${left.type} and ${right.type}`);
      }
      return super.evaluateBinaryExpression({ ...expression, left: new Known(left), right: new Known(right) }, environment);
    }

    // Filters of texts take the text of whatever they get.
    applyFilter(operand, filter, environment) {
      const name = filter.type === "Identifier" ? filter.value : filter.callee?.value;
      if (OF_TEXT.has(name) && (isContainer(operand) || operand.value == null)) {
        return super.applyFilter(convert(printed(operand)), filter, environment);
      }
      if (OF_ITEMS.has(name) && operand instanceof StringValue) {
        return super.applyFilter(characters(operand), filter, environment);
      }
      // What lacks the attribute fails every test of the package, that of being undefined too.
      if (COMPLEMENTS[name] !== undefined && filter.args?.[1]?.value === "undefined") {
        const args = [filter.args[0], { ...filter.args[1], value: "defined" }];
        const complement = { ...filter, callee: { ...filter.callee, value: COMPLEMENTS[name] }, args };
        return super.applyFilter(operand, complement, environment);
      }
      return super.applyFilter(operand, filter, environment);
    }
  }

  const range = (start, stop, step = 1) => {
    const [from, to] = typeof stop === "number" ? [start, stop] : [0, start];
    if (step === 0) {
      throw new Error("range() step must not be zero");
    }
    const numbers = [];
    for (let i = from; step > 0 ? i < to : i > to; i += step) {
      numbers.push(i);
    }
    return numbers;
  };

  const dict = new FunctionValue((parts) => new ObjectValue(new Map(parts.flatMap((part) => [...part.value]))));

  const raise = (message) => {
    throw new Raised(message);
  };

  return (template) => {
    const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    return (variables, strftime) => {
      const environment = new Environment();
      for (const [name, value] of Object.entries({ true: true, True: true, false: false, False: false, none: null, None: null })) {
        environment.set(name, value);
      }
      environment.set("range", range);
      environment.setVariable("dict", dict);
      environment.set("raise_exception", raise);
      environment.set("strftime_now", (format) => strftime(format));
      for (const [name, value] of Object.entries(JSON.parse(variables))) {
        environment.setVariable(name, decode(value));
      }
      try {
        return [true, new Rendering(environment).run(program).value];
      } catch (e) {
        if (e instanceof Raised) {
          return [false, String(e.message)];
        }
        throw e;
      }
    };
  };
});
