package io.octavo.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Changes a JSON document so that it stays one: what a parser lets through must still be refused or understood. */
final class JsonMutator {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Values that readers trip over, wherever they stand. */
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1",
            "2",
            "3",
            "4",
            "8",
            "16",
            "1e999",
            "0.5",
            "-0.0",
            "2147483647",
            "2147483648",
            "9223372036854775807",
            "99999999999999999999999",
            "\"\"",
            "\"x\"",
            "\"re:(a|b)*c\"",
            "\"re:((a{9}){9}){9}\"",
            "\"re:[\"",
            "\"Linear\"",
            "\"compressed-tensors\"",
            "\"fp8\"",
            "\"awq\"",
            "\"gptq\"",
            "\"gptq_v2\"",
            "\"modelopt\"",
            "\"NVFP4\"",
            "\"FP8\"",
            "\"tensor\"",
            "\"channel\"",
            "\"group\"",
            "\"block\"",
            "\"tensor_group\"",
            "\"token\"",
            "\"static\"",
            "\"dynamic\"",
            "\"local\"",
            "\"int\"",
            "\"float\"",
            "\"torch.uint8\"",
            "\"F8_E4M3\"",
            "\"I32\"",
            "\"U8\"",
            "\"F16\"",
            "\"../../etc/passwd\"",
            "[]",
            "{}",
            "[0]",
            "[-1,-1]",
            "[9223372036854775807,9223372036854775807]",
            "[0,9223372036854775807]",
            "[[[[[[]]]]]]",
            "{\"a\":{\"a\":{\"a\":{}}}}");

    private final SplittableRandom random;

    JsonMutator(SplittableRandom random) {
        this.random = random;
    }

    /** @return the document with one to three of its values changed */
    String mutate(String document) {
        JsonNode root = JSON.readTree(document);
        int mutations = 1 + random.nextInt(3);
        for (int i = 0; i < mutations; i++) {
            List<JsonNode> containers = new ArrayList<>();
            collect(root, containers);
            if (!containers.isEmpty()) {
                change(containers.get(random.nextInt(containers.size())), containers);
            }
        }
        return root.toString();
    }

    private static void collect(JsonNode node, List<JsonNode> containers) {
        if (node.isContainer()) {
            containers.add(node);
            node.forEach(child -> collect(child, containers));
        }
    }

    private void change(JsonNode container, List<JsonNode> others) {
        if (container instanceof ObjectNode object && !object.isEmpty()) {
            List<String> names = List.copyOf(object.propertyNames());
            String name = names.get(random.nextInt(names.size()));
            switch (random.nextInt(5)) {
                case 0 -> object.remove(name);
                case 1 -> {
                    JsonNode value = object.remove(name);
                    object.set(names.get(random.nextInt(names.size())), value);
                }
                case 2 -> object.set(name + "_", value());
                case 3 ->
                    object.set(name, others.get(random.nextInt(others.size())).deepCopy());
                default -> object.set(name, value());
            }
        } else if (container instanceof ArrayNode array) {
            if (array.isEmpty() || random.nextInt(4) == 0) {
                array.add(value());
            } else if (random.nextBoolean()) {
                array.set(random.nextInt(array.size()), value());
            } else {
                array.remove(random.nextInt(array.size()));
            }
        }
    }

    private JsonNode value() {
        return JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
    }
}
