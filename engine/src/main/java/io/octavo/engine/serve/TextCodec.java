package io.octavo.engine.serve;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;

/** Texts, chats and tokens of a model, for any thread. Takes over tokenizer and template. */
final class TextCodec implements AutoCloseable {

    private final ReentrantLock lock = new ReentrantLock();
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final OptionalInt bos;
    private boolean closed;

    TextCodec(Tokenizer tokenizer, ChatTemplate template, OptionalInt bos) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.bos = bos;
    }

    List<Integer> encode(String text) {
        lock.lock();
        try {
            requireOpen();
            return Arrays.stream(tokenizer.encode(text)).boxed().toList();
        } finally {
            lock.unlock();
        }
    }

    List<Integer> encodePrompt(String text) {
        List<Integer> tokens = new ArrayList<>();
        bos.ifPresent(tokens::add);
        tokens.addAll(encode(text));
        return tokens;
    }

    String decode(List<Integer> tokens) {
        lock.lock();
        try {
            requireOpen();
            return tokenizer.decode(tokens);
        } finally {
            lock.unlock();
        }
    }

    String render(Chat chat) {
        return template.render(chat);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the model is no longer served");
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            tokenizer.close();
        } finally {
            lock.unlock();
        }
        template.close();
    }
}
