package Tenon::Signatures;

use v5.36;

use Tenon::Api;

# Strings and comments are blanked, so that nothing in them looks like a sub.
sub _code ($source) {
    my $text = $source =~ s/^__(?:END|DATA)__\b.*//msr;
    $text =~ s{^=[a-zA-Z].*?(?:^=cut\b[^\n]*|\z)}{}gms;
    my $string = qr/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/;
    return $text =~ s/($string)|(?:^|(?<=[\s;{}(),]))\#[^\n]*/defined($1) ? q("") : q()/gmer;
}

# The parameters that each sub of this source unpacks, the class among them: by name, an array reference of their names with
# sigils, or undef if that cannot be read.
sub of ($source) {
    my $subs = _read($source);
    return { map { $_ => $subs->{$_}->[0] } keys $subs->%* };
}

# With each, whether Perl itself refuses a call with more.
sub _read ($source) {
    my $code = _code($source);
    my %subs;
    while ($code =~ m/^[ \t]*sub\s+(\w+)\s*/mg) {
        my $name = $1;
        my ($rest) = substr($code, pos($code)) =~ m/\A(.*?)(?:^[ \t]*(?:my\s+)?sub\s+\w|\z)/ms;
        my $is_strict = $rest =~ m/\A\([^)]*[\$\@%]\w/;
        $subs{$name} = [_parameters($rest), $is_strict];
    }
    return \%subs;
}

sub _parameters ($rest) {
    my @shifted;
    if ($rest =~ s/\A\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*\{//) {
        my $list = $1;
        return [_names($list)] if $list =~ m/[\$\@%]\w/;
        return [] if $list =~ m/\A\s*\z/ && $rest !~ m/\A\s*(?:my|shift)\b/;
    } elsif ($rest !~ s/\A\{//) {
        return undef; ## no critic (ProhibitExplicitReturnUndef)
    }
    while ($rest =~ s/\A\s*my\s*\(?\s*(\$\w+)\s*\)?\s*=\s*shift(?:\s*\(\s*\@_\s*\)|\s+\@_)?\s*;//) {
        push @shifted, $1;
    }
    return [@shifted, _names($1)] if $rest =~ m/\A\s*my\s*\(([^()]*)\)\s*=\s*\@_\s*[;}]/;
    my $is_read = @shifted && $rest !~ m/\@_|\bshift\b|\$_\[/;
    return $is_read ? \@shifted : undef;
}

# A parameter without a name, which a signature may have, counts too.
sub _names ($list) {
    return map { m/\A\s*([\$\@%]\w*|undef)/ ? $1 : () } split(m/,/, $list);
}

# Why these subs cannot be called at a level, as sentences: methods of the API that unpack another number of parameters than
# the level has. A sub fits if it cannot be read, takes any number, or only leaves out optional parameters at the end, as
# many plugins do, unless Perl would refuse them.
sub misfits ($source, $level, @methods) {
    my $api = Tenon::Api->load;
    my $subs = _read($source);
    my @misfits;
    for my $name (@methods) {
        my $method = $api->method($name);
        my ($unpacked, $is_strict) = ($subs->{$name} // next)->@*;
        next if !$unpacked;
        my (undef, @own) = $unpacked->@*;
        my @known = $api->positions($method, $level)->@*;
        my $is_open = @own && $own[-1] =~ m/\A[\@%]/;
        my $takes_rest = @known && $known[-1] =~ m/\A%/;
        next if @own == @known && $is_open == $takes_rest;
        next if $is_open && @own - 1 <= @known;
        my @params = $api->params_at($method, $level)->@*;
        next
            if !$is_strict && @own < @params && !grep { !$_->{nullable} } @params[@own .. $#params];
        push @misfits,
              "$name unpacks "
            . @own
            . (@own == 1 ? ' parameter' : ' parameters')
            . " beside the class, and level $level has "
            . @known;
    }
    return @misfits;
}

1;

__END__

=head1 NAME

Tenon::Signatures - how many parameters the subs of a source unpack

=head1 SYNOPSIS

    my @sentences = Tenon::Signatures::misfits($source, 16, qw(status alloc_image));

=head1 DESCRIPTION

Reads Perl as far as that goes with patterns: signatures, C<my (...) = @_;> and C<shift> at the beginning of a sub.

=head1 FUNCTIONS

=head2 of

    my $subs = Tenon::Signatures::of($source);

A hash of each sub's name to an array reference of the names it unpacks, with sigils and the class among them; undef for a
sub that cannot be read.

=head2 misfits

    my @sentences = Tenon::Signatures::misfits($source, $level, @methods);

Which of these methods unpack another number of parameters than the level gives them, one sentence each. Leaving out optional
ones at the end is allowed, except in a signature.

=cut
