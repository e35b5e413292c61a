package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.KDF;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * What an encrypted repository is written and read with: a key pair of X25519, and a key by which chunks are named. Whoever
 * has only the public half can add backups and cannot read any. Calls come from many threads.
 */
final class RepositoryKey {
    static final int BYTES = 32;

    private static final int REMEMBERED = 1024;
    private static final String HMAC = "HmacSHA256";
    private static final BigInteger BASE_POINT = BigInteger.valueOf(9);

    private final byte @Nullable [] privateKey;
    private final byte[] publicKey;
    private final byte[] idKey;

    /** Of backups that were read lately, by their public halves. */
    private final Map<ByteBuffer, Sealing> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ByteBuffer, Sealing> eldest) {
            return size() > REMEMBERED;
        }
    };

    private RepositoryKey(byte @Nullable [] privateKey, byte[] publicKey, byte[] idKey) {
        this.privateKey = privateKey;
        this.publicKey = publicKey;
        this.idKey = idKey;
    }

    /** A key that reads and writes. */
    static RepositoryKey full(byte[] privateKey, byte[] idKey) {
        return new RepositoryKey(privateKey.clone(), publicOf(privateKey), idKey.clone());
    }

    /** A key that only writes. */
    static RepositoryKey writeOnly(byte[] publicKey, byte[] idKey) {
        return new RepositoryKey(null, publicKey.clone(), idKey.clone());
    }

    static RepositoryKey generate() {
        return full(random(BYTES), random(BYTES));
    }

    static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    boolean canRead() {
        return privateKey != null;
    }

    /** The 64 bytes of which a key is made: its half of the pair, and the key for names. */
    byte[] secret(boolean isFull) {
        byte[] half = isFull ? privateKey : publicKey;
        if (half == null) {
            throw new IllegalStateException("a key that only writes is no full one");
        }
        byte[] secret = Arrays.copyOf(half, 2 * BYTES);
        System.arraycopy(idKey, 0, secret, BYTES, BYTES);
        return secret;
    }

    /** The reverse of {@link #secret}. */
    static RepositoryKey ofSecret(byte[] secret, boolean isFull) {
        byte[] half = Arrays.copyOf(secret, BYTES);
        byte[] names = Arrays.copyOfRange(secret, BYTES, 2 * BYTES);
        return isFull ? full(half, names) : writeOnly(half, names);
    }

    /** Tells keys of different repositories apart, and nothing about the key. */
    String fingerprint() {
        return HexFormat.of()
                .formatHex(hmac(idKey, "tenon fingerprint".getBytes(StandardCharsets.US_ASCII), publicKey));
    }

    /** The name of a chunk. */
    ChunkId id(ByteBuffer chunk) {
        Mac mac = mac(idKey);
        mac.update(chunk);
        return ChunkId.read(ByteBuffer.wrap(mac.doFinal()));
    }

    /** For one backup. Its private half is forgotten, so that whoever writes cannot read later. */
    Sealing seal() {
        return seal(random(BYTES));
    }

    /** The same with a private half that is given. */
    Sealing seal(byte[] ephemeral) {
        try {
            byte[] half = publicOf(ephemeral);
            return sealing(half, agree(ephemeral, publicKey));
        } catch (InvalidKeyException e) {
            throw new IllegalStateException("the repository's key is of no use", e);
        }
    }

    /**
     * What a backup was sealed with.
     *
     * @param half the public half that came with it
     * @throws BadRepositoryException if no backup has such a one
     * @throws IllegalStateException if this key only writes
     */
    Sealing open(byte[] half, String where) throws IOException {
        byte[] own = privateKey;
        if (own == null) {
            throw new IllegalStateException("a key that only writes cannot read " + where);
        }
        synchronized (known) {
            Sealing sealing = known.get(ByteBuffer.wrap(half));
            if (sealing == null) {
                try {
                    sealing = sealing(half, agree(own, half));
                } catch (InvalidKeyException e) {
                    throw Packer.damaged(where);
                }
                known.put(ByteBuffer.wrap(half.clone()), sealing);
            }
            return sealing;
        }
    }

    /** Whoever does not have the key for names cannot make anything that is taken for good. */
    private Sealing sealing(byte[] half, byte[] shared) {
        byte[] label = "tenon backup".getBytes(StandardCharsets.US_ASCII);
        byte[] info = ByteBuffer.allocate(label.length + 2 * BYTES)
                .put(label)
                .put(half)
                .put(publicKey)
                .array();
        try {
            return new Sealing(
                    half.clone(),
                    KDF.getInstance("HKDF-SHA256")
                            .deriveData(HKDFParameterSpec.ofExtract()
                                    .addSalt(idKey)
                                    .addIKM(shared)
                                    .thenExpand(info, BYTES)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] publicOf(byte[] privateKey) {
        try {
            return agree(privateKey, littleEndian(BASE_POINT));
        } catch (InvalidKeyException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] agree(byte[] privateKey, byte[] publicKey) throws InvalidKeyException {
        try {
            KeyFactory keys = KeyFactory.getInstance("X25519");
            PrivateKey own = keys.generatePrivate(new XECPrivateKeySpec(NamedParameterSpec.X25519, privateKey));
            // The highest bit of a public half does not count (RFC 7748).
            byte[] bigEndian = new byte[BYTES];
            for (int i = 0; i < BYTES; i++) {
                bigEndian[BYTES - 1 - i] = publicKey[i];
            }
            bigEndian[0] &= 0x7f;
            PublicKey other =
                    keys.generatePublic(new XECPublicKeySpec(NamedParameterSpec.X25519, new BigInteger(1, bigEndian)));
            KeyAgreement agreement = KeyAgreement.getInstance("X25519");
            agreement.init(own);
            agreement.doPhase(other, true);
            return agreement.generateSecret();
        } catch (InvalidKeyException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] littleEndian(BigInteger number) {
        byte[] bytes = new byte[BYTES];
        byte[] from = number.toByteArray();
        for (int i = 0; i < from.length && i < BYTES; i++) {
            bytes[i] = from[from.length - 1 - i];
        }
        return bytes;
    }

    static byte[] hmac(byte[] key, byte[]... parts) {
        Mac mac = mac(key);
        for (byte[] part : parts) {
            mac.update(part);
        }
        return mac.doFinal();
    }

    private static Mac mac(byte[] key) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Never shows a secret. */
    @Override
    public String toString() {
        return "RepositoryKey[" + fingerprint() + "]";
    }
}
