"""One plain sentence or two for every Solidity error: what happened, why, what to do.

`{name}` is an argument of the error; `{name:points}` shows base units as points, `{name:time}` unix seconds as UTC.
A test walks the ABIs: each of their errors stands here once, and nothing else does.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # payments, refunds, issues
    "PaymentProcessor_NotPayer": (
        "{caller} tried to pay order {order} for {payer}. Only the payer can pay without a signature: pay from "
        "{payer}, or send the payer's signed authorization."
    ),
    "PaymentProcessor_AlreadyPaid": (
        "Order {order} of merchant {merchant} is already paid. Nothing was taken a second time; look up the order "
        "instead of paying again."
    ),
    "PaymentProcessor_AlreadyIssued": (
        "Points were already issued for order {order} of merchant {merchant}. Each order is issued once; use another "
        "order reference for another purchase."
    ),
    "PaymentProcessor_BelowMinimum": (
        "{amount:points} points for order {order} are less than the smallest payment that the program takes: "
        "{minimum:points} points. Pay at least that."
    ),
    "PaymentProcessor_ApprovalNeeded": (
        "{amount:points} points for order {order} are more than one person may issue: {threshold:points} points. Ask "
        "the approver to approve exactly this issue, then issue it again."
    ),
    "PaymentProcessor_OwnApproval": (
        "{approver} approved the issue for order {order} and so cannot carry it out as well. Issue it from another "
        "account."
    ),
    "PaymentProcessor_UnknownPayment": (
        "There is no payment of order {order} of merchant {merchant} on these terms. A refund repeats the payment's "
        "terms exactly: take them from the payment."
    ),
    "PaymentProcessor_NotPayout": (
        "{caller} is not the payout address of merchant {merchant}. Only that address gives refunds: send from it, or"
        " send its signed authorization."
    ),
    "PaymentProcessor_RefundExceedsPaid": (
        "A refund of {tried:points} points of order {order} of merchant {merchant} is more than is left of the "
        "payment: {left:points} points. Refund at most that."
    ),
    "PaymentProcessor_NotValidNow": (
        "The authorization for order {order} counts only after {validAfter:time} and before {validBefore:time}, and "
        "the chain's time is not in between. Wait for its beginning, or sign a new one."
    ),
    "PaymentProcessor_InvalidSignature": (
        "The signature for order {order} is not one of {signer} over exactly these terms (merchant, program, amount, "
        "payer, order, times, contract and chain). To go on, ask for the message again and sign it with the holder's "
        "own key."
    ),
    "PaymentProcessor_NothingToDo": (
        "The amount for order {order} is 0, so there is nothing to do. Send an amount above 0."
    ),
    "PaymentProcessor_NoNode": (
        "The issue {order} names program {program} and no total for a node of it. Name program 0, or a total above 0."
    ),
    "PaymentProcessor_BatchSize": "The batch has {tried} items and takes 1 to {limit}. Split it.",
    # merchants
    "MerchantRegistry_NotPayout": (
        "{caller} is not the payout address of merchant {merchant}. Only that address can move it."
    ),
    "MerchantRegistry_AlreadyRegistered": "Merchant {merchant} is already registered. Choose another number.",
    "MerchantRegistry_ZeroPayout": (
        "The payout address is the zero address. Give the address that receives the merchant's points."
    ),
    "MerchantRegistry_Unknown": "There is no merchant {merchant}. Check the number, or register the merchant first.",
    "MerchantRegistry_Inactive": "Merchant {merchant} is switched off. Ask the operator why, and to switch it on.",
    "MerchantRegistry_PaidPerDayExceeded": (
        "{tried:points} points for order {order} are more than merchant {merchant} can still be paid today (UTC): "
        "{left:points} points. Wait for tomorrow, pay less, or ask the operator to raise it."
    ),
    "MerchantRegistry_IssuedPerDayExceeded": (
        "{tried:points} points for order {order} are more than can still be issued for merchant {merchant} today "
        "(UTC): {left:points} points. Wait for tomorrow, issue less, or ask the operator to raise it."
    ),
    "MerchantRegistry_QuotaExceeded": (
        "{tried:points} points for order {order} are more than the prepaid quota of merchant {merchant} has left: "
        "{left:points} points. Issue less, or buy more quota: ask the operator to raise it."
    ),
    "MerchantRegistry_QuotaCapExceeded": (
        "{tried:points} more points of quota for merchant {merchant} would pass the most that can ever exist: "
        "{left:points} points can still be added. Add at most that."
    ),
    "MerchantRegistry_EvidenceUsed": (
        "Quota was credited to merchant {merchant} for the evidence {evidence} before. Nothing was credited a second "
        "time; another credit needs evidence of its own."
    ),
    # programs
    "Programs_Unknown": "There is no program {program}. Choose one of the open programs.",
    "Programs_InvalidTerm": "The program's term `{term}` is out of its range. Correct it; nothing was opened.",
    "Programs_NotStarted": "Program {program} begins at {epoch:time}. Wait until then.",
    "Programs_Closed": (
        "Program {program} took its last payment at {closedAt:time}, when its replacement opened, and takes no more "
        "deposits. Choose the program that replaces it."
    ),
    "Programs_Replaced": "Program {program} is already replaced by program {by}. Replace that one instead.",
    "Programs_NoticeTooShort": (
        "A replacement that begins at {epoch:time} is announced too late: it may begin at {earliest:time} or later. "
        "Choose a later beginning."
    ),
    "Programs_TooMany": (
        "No more than {limit} programs that mint what they release can ever be opened. Open a funded one."
    ),
    "Programs_CapExceeded": (
        "Program {program} would have promised {releasedAndCommitted:points} points, more than its cap of "
        "{cap:points}. It takes no payment of this size any more: pay less, or choose another program."
    ),
    "Programs_PayerPeriodCapExceeded": (
        "The node of {payer} for this period would come to {total:points} points, more than program {program} allows "
        "a payer: {cap:points}. Pay less, or wait for the next period."
    ),
    "Programs_ReserveTooSmall": (
        "Program {program} would owe {committed:points} points and holds only {reserve:points} for them. Its sponsor "
        "must deposit more, or choose another program."
    ),
    "Programs_NotFunded": "Program {program} mints what it releases, so it has no reserve. Choose a funded program.",
    # nodes
    "ReleaseNode_NotProcessor": (
        "{caller} is not the payment processor. Only the gateway's own contracts and accounts may do this; nothing is"
        " wrong with your request's content."
    ),
    "ReleaseNode_NotPrograms": (
        "{caller} is not the contract of the programs. Only the gateway's own contracts and accounts may do this; "
        "nothing is wrong with your request's content."
    ),
    "ReleaseNode_Unknown": "There is no node {id}. It never was, or a full refund or a merge ended it.",
    "ReleaseNode_Locked": "Node {id} is locked until its first release at {unlocksAt:time}. Wait until then.",
    "ReleaseNode_Unlocked": "Node {id} had its first release at {unlockedAt:time}. Refunds end there.",
    "ReleaseNode_NothingToClaim": "Nothing of node {id} is claimable now. Wait for its next release.",
    "ReleaseNode_NotClaimer": (
        "{caller} neither owns node {id} nor may claim it to this receiver. Claim to the owner, or ask the owner for "
        "an approval."
    ),
    "ReleaseNode_ClaimCapExceeded": (
        "{delegate} tried to claim {tried:points} points of {owner} and may claim {left:points} more. Claim fewer "
        "nodes, or ask the owner for a new approval."
    ),
    "ReleaseNode_ClaimApprovalExpired": (
        "The approval of {owner} for {delegate} ended at {deadline:time}. Ask the owner for a new one."
    ),
    "ReleaseNode_InvalidSignature": (
        "The signature is not one of {owner} over this approval. To go on, ask for the message again and sign it with"
        " the holder's own key."
    ),
    "ReleaseNode_BatchSize": "The batch names {tried} nodes and takes 1 to {limit}. Use several.",
    "ReleaseNode_NotOwner": "{caller} does not own node {id}. Send from the owner's account.",
    "ReleaseNode_PieceSize": (
        "A piece of {tried:points} points cannot be taken off node {id}, which has {total:points}: a piece is at least "
        "one unit, and something stays with the node. Choose smaller pieces."
    ),
    "ReleaseNode_NotAlike": (
        "Node {id} cannot be merged into node {into}: both must be different nodes of the same program, start, owner "
        "and beneficiary. Choose nodes that are alike."
    ),
    "ReleaseNode_AdvanceTooLarge": (
        "Splits have paid {tried} units ahead of the schedule, more than the {limit} that are kept. Claim the node "
        "first."
    ),
    "ReleaseNode_Given": (
        "Node {id} is given by a link and waits to be taken. Wait until it is taken, or take it back after the gift's "
        "end."
    ),
    "ReleaseNode_NotGiven": "Node {id} is not given by a link: it was taken already, or taken back. Ask the giver.",
    "ReleaseNode_GiftExpired": (
        "The gift of node {id} ends at {expiry:time}, which is over. Choose a later end, or ask the giver for a new "
        "link."
    ),
    "ReleaseNode_GiftRuns": "The gift of node {id} runs until {expiry:time}. Wait until then to take it back.",
    "ReleaseNode_InCustody": (
        "What node {id} releases is paid to its beneficiary {beneficiary} alone. Claim it without naming a receiver."
    ),
    "ERC721IncorrectOwner": "Node {tokenId} belongs to {owner}, not to {sender}. Read its owner again.",
    "ERC721InsufficientApproval": (
        "{operator} neither owns node {tokenId} nor is approved for it. Send from the owner's account."
    ),
    "ERC721InvalidApprover": "{approver} may not approve anybody for this node. Send from the owner's account.",
    "ERC721InvalidOperator": "{operator} cannot be made an operator. Check the address.",
    "ERC721InvalidOwner": "{owner} cannot own nodes. Ask for another address.",
    "ERC721InvalidReceiver": (
        "{receiver} cannot receive this: it is the zero address, or a contract that does not take nodes (ERC-721). "
        "Choose another receiver."
    ),
    "ERC721InvalidSender": "{sender} cannot send nodes. Check the address.",
    "ERC721NonexistentToken": "There is no node {tokenId}. It never was, or a full refund or a merge ended it.",
    # points
    "PointsToken_NotProcessor": (
        "{caller} is not the payment processor. Only the gateway's own contracts and accounts may do this; nothing is"
        " wrong with your request's content."
    ),
    "PointsToken_NotNodes": (
        "{caller} is not the contract of the nodes. Only the gateway's own contracts and accounts may do this; nothing "
        "is wrong with your request's content."
    ),
    "PointsToken_SupplyCapExceeded": (
        "All points ever issued and all that programs may release would come to {issuedAndSetApart:points}, more than "
        "can ever exist: {cap:points}. Use a smaller amount, or open the program with a smaller cap."
    ),
    "PointsToken_SentToToken": (
        "The points' own contract cannot receive points: they would be lost. Check the receiver."
    ),
    "PointsToken_AccountFrozen": (
        "{account} is frozen until {until:time} and cannot send points. Ask the operator for the reason; it is also "
        "on chain."
    ),
    "PointsToken_FrozenTooSoon": (
        "{account} was frozen before and can be frozen again from {from:time}. Until then only the admin can."
    ),
    "PointsToken_NotFrozen": "{account} is not frozen, so there is nothing to lift.",
    "PointsToken_NotFreezable": "{account} holds other people's points and is never frozen.",
    "PointsToken_PaymentsCancelled": (
        "{payer} took back at {cancelledAt:time} all payments signed to be valid before. Ask for the order's message "
        "again and sign it anew, or pay from {payer} itself."
    ),
    "PointsToken_PersonLimitExceeded": (
        "{tried:points} points are more than can still be issued to {person} today (UTC), over all merchants: "
        "{left:points} points. Wait for tomorrow, or issue at most that."
    ),
    "PointsToken_InvalidSignature": (
        "The signature is not one of {signer} over exactly these terms. To go on, ask for the message again and sign "
        "it with the holder's own key."
    ),
    "ERC20InsufficientBalance": (
        "{sender} has {balance:points} points and needs {needed:points}. Use less, or wait for points to come in."
    ),
    "ERC20InsufficientAllowance": (
        "{spender} may spend {allowance:points} points of the holder and needs {needed:points}. Approve more, or sign"
        " an authorization instead."
    ),
    "ERC20InvalidApprover": "{approver} cannot approve anybody. Send from the holder's account.",
    "ERC20InvalidReceiver": (
        "{receiver} cannot receive these points. An authorization to a receiver is used by that receiver alone; check"
        " the address."
    ),
    "ERC20InvalidSender": "{sender} cannot send points. Send from the holder's account.",
    "ERC20InvalidSpender": "{spender} cannot be given an allowance. Check the address.",
    "ERC2612ExpiredSignature": (
        "The permit ended at {deadline:time}. To go on, ask for the message again and sign it with the holder's own "
        "key."
    ),
    "ERC2612InvalidSigner": (
        "The permit of {owner} was signed by {signer}. To go on, ask for the message again and sign it with the "
        "holder's own key."
    ),
    "ERC3009InvalidAuthorizationTime": (
        "The authorization counts only after {validAfter:time} and before {validBefore:time}, and the chain's time is"
        " not in between. Wait for its beginning, or sign a new one."
    ),
    "ERC3009InvalidSignature": (
        "The signature is not the holder's over exactly these terms (amount, order, program, times, contract and "
        "chain). To go on, ask for the message again and sign it with the holder's own key."
    ),
    "ERC3009UsedAuthorization": (
        "The authorization {nonce} of {authorizer} was already used or cancelled. It counts once: look up what it "
        "paid for, or sign a new one."
    ),
    "InvalidAccountNonce": (
        "The signature names another nonce than the next one of {account}, {currentNonce}. Sign with that."
    ),
    # anchors
    "AnchorRegistry_ZeroRoot": "The zero root anchors nothing. Give the log's Merkle root.",
    "AnchorRegistry_FewerLeaves": (
        "The root covers {tried} entries, fewer than the {last} before it. The log only grows: anchor its newest root."
    ),
    "AnchorRegistry_Unknown": "There is no anchor {index}. Anchors are counted from 0.",
    # roles
    "AccessManagedUnauthorized": (
        "{caller} does not have the role that this call needs. Send it from an account that has, or ask the admin for"
        " the role."
    ),
    "AccessManagedRequiredDelay": (
        "{caller} must announce this call and wait {delay} seconds before it. Schedule it first."
    ),
    "AccessManagedInvalidAuthority": (
        "{authority} is no contract that can manage roles; the deployment is not as it should be: run `chainpoints "
        "doctor`."
    ),
    "AccessManagerAlreadyScheduled": "The operation {operationId} is already scheduled. Wait for its time.",
    "AccessManagerBadConfirmation": "To give up a role an account must name itself. Send it from that account.",
    "AccessManagerExpired": "The scheduled operation {operationId} was not carried out in time. Schedule it again.",
    "AccessManagerInvalidInitialAdmin": "{initialAdmin} cannot be the admin. Give another address.",
    "AccessManagerLockedFunction": "The function {selector} of the role manager cannot be given to another role.",
    "AccessManagerLockedRole": "The role {roleId} is built in and cannot be changed.",
    "AccessManagerNotReady": "The waiting time of the operation {operationId} is not over. Try again later.",
    "AccessManagerNotScheduled": "The operation {operationId} is not scheduled. Schedule it first.",
    "AccessManagerUnauthorizedAccount": (
        "{msgsender} does not have the role {roleId}. Send it from an account that has."
    ),
    "AccessManagerUnauthorizedCall": "{caller} may not call {selector} of {target}. Send it from an account that may.",
    "AccessManagerUnauthorizedCancel": (
        "{msgsender} may not cancel what {caller} scheduled ({selector} of {target}). Only the caller, the admin and "
        "the role's guardians may."
    ),
    "AccessManagerUnauthorizedConsume": (
        "{target} uses up a scheduled call without being asked to; the deployment is not as it should be: run "
        "`chainpoints doctor`."
    ),
    # of libraries
    "AddressEmptyCode": (
        "There is no contract at {target}; the deployment is not as it should be: run `chainpoints doctor`."
    ),
    "FailedCall": "A call inside this one failed and gave no reason. Try again; if it stays, tell the operator.",
    "InsufficientBalance": "The account has {balance} wei and needs {needed}. Send it ETH.",
    "InvalidShortString": (
        "A name of a contract is damaged; the deployment is not as it should be: run `chainpoints doctor`."
    ),
    "SafeCastOverflowedUintDowncast": "The number {value} does not fit {bits} bits. Use a smaller amount.",
    "StringTooLong": "The text `{str}` is longer than 31 bytes. Shorten it.",
    # of the language
    "Error": "The contract refused this: {message}",
    "Panic": (
        "The contract's arithmetic refused this (panic code {code}): a number is out of its range. Use a smaller "
        "amount."
    ),
}
