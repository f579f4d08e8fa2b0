package io.octavo.engine.module;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Under which names loaders look for a module in a quantization config.
 *
 * <p>A checkpoint's names are not always those of a loader's module tree. transformers renames the parts of multimodal
 * models while it loads ({@code visual.} to {@code model.visual.}) and compares a config with its own tree; vLLM rewrites
 * plain names of the config by its own rules and compares them with another tree. Patterns see the tree alone. So each
 * spelling is written plainly; one that no loader uses matches nothing and does no harm.
 */
public final class LoaderNames {

    /** Members of config.json that hold the config of a part, as those of multimodal models do. */
    private static final List<String> PARTS = List.of(
            "text_config",
            "vision_config",
            "audio_config",
            "speech_config",
            "llm_config",
            "language_config",
            "thinker_config");

    /** Where the decoder stands: in a checkpoint as it was first published, as it is saved today, and in vLLM. */
    private static final List<String> DECODER = List.of("model.language_model.", "language_model.model.", "model.");

    private static final List<String> DECODER_PARTS = List.of("layers.", "embed_tokens", "norm");
    private static final List<String> OUTPUT_HEAD = List.of("lm_head", "language_model.lm_head");
    private static final String MODEL = "model.";

    /** What a model without a head begins with. */
    private static final List<String> BARE = List.of("layers.", "layer.", "h.", "blocks.", "encoder.", "decoder.");

    /** As transformers 5 saves models for audio. */
    private static final String TWICE = "language_model.model.model.";

    private static final String ONCE = "language_model.model.";

    /** Towers that hold their model in one more module than transformers does. */
    private static final String VISION_TOWER = "vision_tower.";

    private static final String VISION_MODEL = "vision_model.";

    /** vLLM asks for the experts of a layer by these names of the first one, whatever they are called. */
    private static final Pattern FIRST_EXPERT = Pattern.compile("(.*\\.experts\\.0\\.)(w[123])");

    /** Blocks of a layer that loaders call otherwise than checkpoints do: recurrent mixers in vLLM, MiniMax M2's experts. */
    private static final List<Map.Entry<String, String>> BLOCKS =
            List.of(Map.entry(".mamba.", ".mixer."), Map.entry(".block_sparse_moe.", ".mlp."));

    /**
     * In this family vLLM numbers the recurrent mixers after all layers, outside of {@code layers}, and takes projections of
     * attention for the layer's own.
     */
    private static final String NAMED_ANEW = "falcon_h1";

    private static final Pattern MIXER = Pattern.compile("model\\.layers\\.([0-9]{1,6})\\.mamba\\.(.+)");
    private static final String ATTENTION = ".self_attn.";

    private final boolean ofParts;
    private final String type;
    private final List<TransformersFamilies.Rename> renames;
    private final OptionalInt layersNamedAnew;
    private final Set<String> modules;

    /**
     * @param config the root of config.json
     * @param tensors of the checkpoint; no other spelling of a module is the name of one that holds any of these
     */
    public LoaderNames(JsonNode config, Collection<String> tensors) {
        this.ofParts = PARTS.stream().anyMatch(part -> config.path(part).isObject());
        JsonNode layers = config.path("num_hidden_layers");
        this.type = config.path("model_type").asString("model");
        this.renames = TransformersFamilies.renames(config);
        this.layersNamedAnew =
                type.equals(NAMED_ANEW) && layers.isInt() ? OptionalInt.of(layers.intValue()) : OptionalInt.empty();
        this.modules = tensors.stream()
                .map(tensor -> tensor.substring(0, Math.max(tensor.lastIndexOf('.'), 0)))
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Linears that a model has without a tensor of their own, and that a config must list as left alone. */
    public static Optional<String> tiedHead(JsonNode config) {
        return TransformersFamilies.tiedHead(config);
    }

    /** A pattern that fits whatever loaders make of modules of a role, and nothing else; empty where names suffice. */
    public static Optional<String> pattern(ModuleRole role) {
        return switch (role) {
            case TOWER -> Optional.of(KeptNames.ANY_TOWER);
            case SHARED -> Optional.of(KeptNames.ANY_SHARED);
            default -> Optional.empty();
        };
    }

    /** Every spelling of a module's name, the checkpoint's own first. */
    public List<String> spellings(String module) {
        if (module.startsWith(ModulePattern.REGEX_PREFIX)) {
            return List.of(module);
        }
        var spellings = new LinkedHashSet<String>();
        spellings.add(module);
        Stream.concat(Stream.of(module), ofParts ? renamed(module) : prefixed(module))
                .flatMap(name -> Stream.concat(Stream.of(name), TransformersFamilies.renamed(name, renames)))
                .flatMap(name -> Stream.concat(Stream.of(name), block(name)))
                .flatMap(name -> Stream.concat(Stream.of(name), expert(name)))
                .filter(name -> !modules.contains(name))
                .forEach(spellings::add);
        return List.copyOf(spellings);
    }

    /** Every spelling of every module's name, those of the checkpoint first. */
    public List<String> spellings(List<String> modules) {
        return Stream.concat(
                        modules.stream(),
                        modules.stream()
                                .flatMap(module -> spellings(module).stream().skip(1)))
                .distinct()
                .toList();
    }

    private Stream<String> block(String module) {
        Stream<String> blocks = BLOCKS.stream()
                .filter(block -> module.contains(block.getKey()))
                .map(block -> module.replace(block.getKey(), block.getValue()));
        return Stream.concat(blocks, layersNamedAnew.isPresent() ? anew(module) : Stream.empty());
    }

    private Stream<String> anew(String module) {
        Matcher mixer = MIXER.matcher(module);
        if (mixer.matches()) {
            int number = layersNamedAnew.orElseThrow() + Integer.parseInt(mixer.group(1));
            return Stream.of("model." + number + ".mixer." + mixer.group(2));
        }
        return module.contains(ATTENTION) ? Stream.of(module.replace(ATTENTION, ".")) : Stream.empty();
    }

    private static Stream<String> expert(String module) {
        Matcher expert = FIRST_EXPERT.matcher(module);
        if (!expert.matches()) {
            return Stream.empty();
        }
        return Stream.of(expert.group(1)
                + switch (expert.group(2)) {
                    case "w1" -> "gate_proj";
                    case "w3" -> "up_proj";
                    default -> "down_proj";
                });
    }

    /** Loaders put a decoder, or an encoder, that was saved without its head back into the model that has one. */
    private Stream<String> prefixed(String module) {
        return BARE.stream().anyMatch(module::startsWith)
                ? Stream.of(MODEL, "transformer.", type + ".").map(prefix -> prefix + module)
                : Stream.empty();
    }

    private static Stream<String> renamed(String stored) {
        String module = stored.replace(TWICE, ONCE);
        if (OUTPUT_HEAD.contains(module)) {
            return OUTPUT_HEAD.stream();
        }
        for (String prefix : DECODER) {
            String rest = module.startsWith(prefix) ? module.substring(prefix.length()) : "";
            if (DECODER_PARTS.stream().anyMatch(rest::startsWith)) {
                return DECODER.stream().map(other -> other + rest);
            }
        }
        String bare = module.startsWith(MODEL) ? module.substring(MODEL.length()) : module;
        Stream<String> names = Stream.of(bare);
        if (bare.startsWith(VISION_TOWER)) {
            String inner = bare.substring(VISION_TOWER.length());
            String own = inner.startsWith(VISION_MODEL) ? inner.substring(VISION_MODEL.length()) : inner;
            names = Stream.of(VISION_TOWER + own, VISION_TOWER + VISION_MODEL + own);
        }
        return names.flatMap(name -> Stream.of(name, MODEL + name));
    }
}
