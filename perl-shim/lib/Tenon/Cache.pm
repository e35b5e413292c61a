package Tenon::Cache;

use v5.36;

use Scalar::Util qw(reftype);

# PVE and its plugins keep keys of their own in the hash; ours must differ from theirs.
my $KEY = 'tenon-operation';
my $KEPT = 16;

my (%caches, @order);
my $counter = 0;

sub id_of ($cache) {
    return undef if (reftype($cache) // '') ne 'HASH'; ## no critic (ProhibitExplicitReturnUndef)
    return $cache->{$KEY} //= sprintf('%d-%d-%d', $$, time(), ++$counter);
}

sub of_id ($id) {
    @order = ((grep { $_ ne $id } @order), $id);
    delete $caches{ shift @order } while @order > $KEPT;
    return $caches{$id} //= { $KEY => $id };
}

1;

__END__

=head1 NAME

Tenon::Cache - the cache hashes of operations

=head1 DESCRIPTION

PVE hands the calls of one operation a hash, C<$cache>, in which plugins keep what is expensive to find out twice. It may
hold anything, so it never leaves its process; what crosses is the id of the operation. A process that is called keeps one
hash for each of the last 16 operations.

=head1 FUNCTIONS

=head2 id_of

    my $id = Tenon::Cache::id_of($cache);

The id of the operation this hash belongs to; a new one is noted in the hash. Undef if it is not a hash reference.

=head2 of_id

    my $cache = Tenon::Cache::of_id($id);

The hash of this operation, a new one if there is none or it is too old.

=cut
