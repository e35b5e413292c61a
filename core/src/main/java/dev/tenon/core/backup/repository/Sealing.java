package dev.tenon.core.backup.repository;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Seals what one backup adds, by AES-256-GCM. Each piece has a key of its own, which is made of the backup's secret and of the
 * piece's name. The name stands for the content, so a key is never used for two contents, and the nonce need not change: not
 * even a machine that was copied while it made a backup uses one twice. Calls come from many threads.
 */
final class Sealing {
    /** Of the public half, before what is sealed. */
    static final int HALF = RepositoryKey.BYTES;

    private static final int TAG = 16;

    /** How much longer something is when it is sealed. */
    static final int OVERHEAD = HALF + TAG;

    private static final byte[] NONCE = new byte[12];

    private final byte[] half;
    private final byte[] secret;

    Sealing(byte[] half, byte[] secret) {
        this.half = half;
        this.secret = secret;
    }

    /**
     * Appends the public half and what is sealed.
     *
     * @param name of the piece, which it is bound to
     */
    void seal(byte[] name, ByteBuffer piece, ByteBuffer to) {
        to.put(half);
        try {
            cipher(Cipher.ENCRYPT_MODE, secret, name).doFinal(piece, to);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Opens what was sealed, without the public half.
     *
     * @return false if it is damaged, or has another name or key; nothing can be relied on in the buffer then
     */
    boolean open(byte[] name, ByteBuffer sealed, ByteBuffer to) {
        return open(secret, name, sealed, to);
    }

    static boolean open(byte[] secret, byte[] name, ByteBuffer sealed, ByteBuffer to) {
        if (sealed.remaining() < TAG || to.remaining() < sealed.remaining() - TAG) {
            return false;
        }
        try {
            cipher(Cipher.DECRYPT_MODE, secret, name).doFinal(sealed, to);
            return true;
        } catch (AEADBadTagException e) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static Cipher cipher(int mode, byte[] secret, byte[] name) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                mode,
                new SecretKeySpec(RepositoryKey.hmac(secret, name), "AES"),
                new GCMParameterSpec(TAG * Byte.SIZE, NONCE));
        cipher.updateAAD(name);
        return cipher;
    }
}
